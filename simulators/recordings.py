"""Replay of recordings: one as a ``Feed``, in its own raw units."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from copy import copy
from pathlib import Path

import numpy as np

from ecgstream.recorded import RecordedChannel, RecordedSignal, read_recording
from ecgstream.waveform import Channel, ChannelGroup, GroupKind, Layout
from ecgstream.wire.leads import assign_slots, resolve_lead

from .programme import Part


class Recording:
    """A ``Feed`` that plays a record and begins again at its end."""

    def __init__(self, path: Path):
        """Any format that ``ecgstream.recorded`` reads. Raises RecordError when it cannot be read or has no ECG."""
        source = read_recording(path)
        self.name, self.fs_hz, self.n_samples = source.name, source.fs_hz, source.samples.shape[1]
        self.left_out = source.left_out
        self._offset = 0
        kinds = sorted({channel.kind for channel in source.channels})
        self._groups = tuple(
            (self._layout(source, kind), np.ascontiguousarray(source.samples[source.of_kind(kind)])) for kind in kinds
        )

    @property
    def duration_s(self) -> float:
        """Length of the record, s."""
        return float(self.n_samples / self.fs_hz)

    @property
    def leads(self) -> tuple[str, ...]:
        """The ECG leads by the record's own names."""
        return tuple(channel.name for channel in self._groups[0][0].channels)

    def from_offset(self, offset_s: float) -> Recording:
        """The same recording, its samples shared, with the sample at ``offset_s`` as its first."""
        other = copy(self)
        other._offset = round(offset_s * float(self.fs_hz)) % self.n_samples
        return other

    def read(self, start: int, stop: int) -> tuple[ChannelGroup, ...]:
        """Samples ``[start, stop)`` of every group, the ECG group first, going round at the end of the record."""
        first, length = (start + self._offset) % self.n_samples, stop - start
        if first + length <= self.n_samples:
            return tuple(ChannelGroup(layout, samples[:, first : first + length]) for layout, samples in self._groups)
        places = (first + np.arange(length)) % self.n_samples
        return tuple(ChannelGroup(layout, samples[:, places]) for layout, samples in self._groups)

    def _layout(self, source: RecordedSignal, kind: GroupKind) -> Layout:
        channels = tuple(_channel(source.channels[k], kind) for k in source.of_kind(kind))
        return Layout(kind, self.fs_hz, channels, _slots(channels) if kind == GroupKind.ECG else ())


def replay_parts(paths: Sequence[Path], beds: int, seconds: float | None, loop: bool) -> list[Part]:
    """``beds`` beds of each record, named like it, starting at places spread evenly over its length.

    Each plays its record once from there, round its end; or for ``seconds``; or, looping, for ever. Raises RecordError.
    """
    recordings = [Recording(path) for path in paths]
    return [_part(recording, bed, beds, seconds, loop) for recording in recordings for bed in range(beds)]


def _part(recording: Recording, bed: int, beds: int, seconds: float | None, loop: bool) -> Part:
    offset_s = bed * recording.duration_s / beds
    stream_id = recording.name if beds == 1 else f"{recording.name}-{bed + 1:02}"
    wanted_s = math.inf if seconds is None else seconds
    plays_s = wanted_s if loop else min(wanted_s, recording.duration_s)
    truth = {
        "stream_id": stream_id,
        "record": recording.name,
        "offset_s": offset_s,
        "leads": len(recording.leads),
        "lead_names": list(recording.leads),
        "left_out": list(recording.left_out),
        "fs_hz": float(recording.fs_hz),
        "episodes": [],
    }
    return Part(stream_id, recording.from_offset(offset_s), plays_s, truth)


def _channel(source: RecordedChannel, kind: GroupKind) -> Channel:
    if kind != GroupKind.ECG:
        return Channel(0, source.name, source.unit, source.gain, source.baseline, source.invalid)
    code = resolve_lead(0, source.name)[0]
    return Channel(code, source.name, "mV", source.per_mv, source.baseline, source.invalid)


def _slots(channels: Iterable[Channel]) -> tuple[int, ...]:
    """Slots by the names the wire gives the channels: MLII is lead II."""
    return assign_slots(Channel(c.code, resolve_lead(c.code, c.name)[1], c.unit, c.gain, c.baseline) for c in channels)
