"""Replay of WFDB records: a recording as a ``Feed``, in its own raw units."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from copy import copy
from fractions import Fraction
from pathlib import Path

import numpy as np
import wfdb

from ecgstream.errors import RecordError
from ecgstream.waveform import Channel, ChannelGroup, GroupKind, Layout
from ecgstream.wire.leads import assign_slots, resolve_lead

from .programme import Part

_PER_MV = {"mv": 1.0, "uv": 1e3, "µv": 1e3, "v": 1e-3}  # how many of the unit make a millivolt
_KINDS = {
    "pleth": GroupKind.PLETH,
    "abp": GroupKind.ABP,
    "art": GroupKind.ABP,
    "resp": GroupKind.RESP,
    "pap": GroupKind.OTHER,
    "cvp": GroupKind.OTHER,
    "co2": GroupKind.OTHER,
}
# Raw value that marks an invalid sample, where it is not the lowest int16 (WFDB signal format numbers).
_INVALID = {"8": -128, "80": -128, "212": -2048, "310": -512, "311": -512}


class Recording:
    """A ``Feed`` that plays a record and begins again at its end."""

    def __init__(self, path: Path):
        """Path without extension. Raises RecordError when it cannot be read, has no ECG, or is not 16-bit."""
        source = _read(path)
        self.name: str = source.record_name
        self.fs_hz = Fraction(source.fs).limit_denominator(1000)
        self.n_samples: int = source.sig_len
        kinds = [_kind(name, unit) for name, unit in zip(source.sig_name, source.units, strict=True)]
        if GroupKind.ECG not in kinds:
            raise RecordError(f"The record {path} has no ECG lead in volts among {source.sig_name}; choose another.")
        self._offset = 0
        samples = _int16(source.d_signal, path)
        self._groups = tuple(
            (self._layout(source, kind, kinds), samples[[k == kind for k in kinds]]) for kind in sorted(set(kinds))
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

    def _layout(self, source: wfdb.Record, kind: GroupKind, kinds: list[GroupKind]) -> Layout:
        channels = tuple(_channel(source, i, kind) for i, of in enumerate(kinds) if of == kind)
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
        "fs_hz": float(recording.fs_hz),
        "episodes": [],
    }
    return Part(stream_id, recording.from_offset(offset_s), plays_s, truth)


def _read(path: Path) -> wfdb.Record:
    try:
        return wfdb.rdrecord(str(path), physical=False)
    except (OSError, ValueError) as error:
        raise RecordError(
            f"The WFDB record {path} cannot be read ({error}); give its path without extension."
        ) from error


def _int16(d_signal: np.ndarray, path: Path) -> np.ndarray:
    """Samples (channels, samples); refused where they do not fit."""
    if d_signal.min() < -32_768 or d_signal.max() > 32_767:
        raise RecordError(f"The record {path} has raw values that 16 bits cannot hold; rescale it to 16 bits.")
    return np.ascontiguousarray(d_signal.T, dtype=np.int16)


def _kind(name: str, unit: str) -> GroupKind:
    if (known := _KINDS.get(name.casefold())) is not None:
        return known
    return GroupKind.ECG if unit.casefold() in _PER_MV else GroupKind.OTHER


def _channel(source: wfdb.Record, i: int, kind: GroupKind) -> Channel:
    name, unit, gain = source.sig_name[i], source.units[i], float(source.adc_gain[i])
    code = 0
    if kind == GroupKind.ECG:
        code, gain, unit = resolve_lead(0, name)[0], gain * _PER_MV[unit.casefold()], "mV"
    return Channel(code, name, unit, gain, int(source.baseline[i]), _INVALID.get(source.fmt[i], -32_768))


def _slots(channels: Iterable[Channel]) -> tuple[int, ...]:
    """Slots by the names the wire gives the channels: MLII is lead II."""
    return assign_slots(Channel(c.code, resolve_lead(c.code, c.name)[1], c.unit, c.gain, c.baseline) for c in channels)
