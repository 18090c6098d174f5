"""A recording cut into chunks as long as the arena has room for, without any message in between."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from ..intake.limits import check_rate
from ..recorded import RecordedChannel, RecordedSignal
from ..waveform import Channel, ChannelGroup, Chunk, GroupKind, Layout
from ..wire.leads import assign_slots, resolve_lead

NS = 1_000_000_000
TAIL_S = 5.0
"""Missing signal behind the end, so that the last beats are confirmed and classed."""
LATEST_START_NS = 2**62
UNKNOWN_START_NS = 10**18
"""Where the file tells no start; only differences from it count."""


class Feed:
    """One recording as the chunks of one stream."""

    def __init__(self, stream_id: str, recording: RecordedSignal):
        """Raises WireError where two channels claim one lead, or too many are of unknown name; IntakeError for a rate
        that cannot be used."""
        check_rate(stream_id, recording.fs_hz)
        self.stream_id, self.recording = stream_id, recording
        self.fs_hz, self.n_samples = recording.fs_hz, recording.samples.shape[1]
        kinds = sorted({channel.kind for channel in recording.channels})
        self._groups = [(_layout(recording, kind), recording.of_kind(kind)) for kind in kinds]
        start_ns = recording.start_ns
        self._start_ns = start_ns if start_ns is not None and 0 <= start_ns < LATEST_START_NS else UNKNOWN_START_NS

    @property
    def duration_s(self) -> float:
        """Length of the recording."""
        return float(self.n_samples / self.fs_hz)

    def chunks(self, chunk_s: float) -> Iterator[Chunk]:
        """The recording and ``TAIL_S`` of missing signal, ``chunk_s`` at a time."""
        stop = self.n_samples + round(TAIL_S * self.fs_hz)
        edges = [round(k * chunk_s * self.fs_hz) for k in range(int(stop / (chunk_s * float(self.fs_hz))) + 1)]
        for sequence, (start, end) in enumerate(zip(edges, [*edges[1:], stop], strict=True)):
            if end > start:
                start_ns = self._start_ns + round(start / self.fs_hz * NS)
                yield Chunk(self.stream_id, sequence, start_ns, tuple(self._groups_of(start, end)))

    def _groups_of(self, start: int, stop: int) -> Iterable[ChannelGroup]:
        for layout, channels in self._groups:
            samples = self.recording.samples[channels, start:stop]
            missing = stop - max(start, self.n_samples)
            if missing > 0:
                invalid = np.array([[channel.invalid_value] for channel in layout.channels], np.int16)
                samples = np.concatenate([samples, np.repeat(invalid, missing, 1)], 1)
            yield ChannelGroup(layout, samples)


def _layout(recording: RecordedSignal, kind: GroupKind) -> Layout:
    """As the wire's codec would make it of the same recording."""
    channels = tuple(_channel(recording.channels[k], kind) for k in recording.of_kind(kind))
    return Layout(kind, recording.fs_hz, channels, assign_slots(channels) if kind == GroupKind.ECG else ())


def _channel(source: RecordedChannel, kind: GroupKind) -> Channel:
    if kind != GroupKind.ECG:
        return Channel(0, source.name, source.unit, source.gain, source.baseline, source.invalid)
    return Channel(*resolve_lead(0, source.name), "mV", source.per_mv, source.baseline, source.invalid)
