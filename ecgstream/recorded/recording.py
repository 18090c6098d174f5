"""A recording as it lies in its file: int16 samples, and what turns them into volts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import numpy as np

from ..errors import RecordError
from ..waveform import CODE_LIMIT, CODE_MISSING, GroupKind
from ..wire.leads import lead_name

PER_MV = {"mv": 1.0, "uv": 1e3, "µv": 1e3, "μv": 1e3, "v": 1e-3, "nv": 1e6}
"""How many of the unit make a millivolt."""
INVALID = -32_768
NO_TIME = datetime(1985, 1, 1, tzinfo=UTC)
"""Stands where a format must have a start and none is known: that of EDF (Kemp 1992)."""
STEPS_PER_MV = 1000.0
"""Where a file holds fractions instead of codes they are kept to 1 µV."""
_KINDS = {
    "pleth": GroupKind.PLETH,
    "abp": GroupKind.ABP,
    "art": GroupKind.ABP,
    "resp": GroupKind.RESP,
    "pap": GroupKind.OTHER,
    "cvp": GroupKind.OTHER,
    "co2": GroupKind.OTHER,
}
_OTHER_ORGANS = ("eeg", "emg", "eog", "ieeg", "bis")


@dataclass(frozen=True, slots=True)
class RecordedChannel:
    """value [unit] = (raw − baseline) / gain."""

    name: str
    unit: str
    gain: float
    baseline: int = 0
    invalid: int = INVALID  # raw value that marks a sample as invalid

    @property
    def kind(self) -> GroupKind:
        """ECG is what is measured in volts and is known as nothing else."""
        if (known := _KINDS.get(self.name.casefold())) is not None:
            return known
        if self.name.casefold().startswith(_OTHER_ORGANS):
            return GroupKind.OTHER
        return GroupKind.ECG if self.unit.casefold() in PER_MV else GroupKind.OTHER

    @property
    def per_mv(self) -> float:
        """Raw units per millivolt, of an ECG lead."""
        return self.gain * PER_MV[self.unit.casefold()]


@dataclass(frozen=True, slots=True)
class RecordedSignal:
    """One recording."""

    name: str
    fs_hz: Fraction
    channels: tuple[RecordedChannel, ...]
    samples: np.ndarray  # int16 (channels, N)
    start_ns: int | None = None  # UTC, where the file tells it; without a time zone it is read as UTC
    left_out: tuple[str, ...] = ()  # channels that cannot go with the others, as their rate is another
    comments: tuple[str, ...] = ()  # of WFDB headers

    @property
    def start(self) -> datetime:
        """When it began, UTC, to the microsecond; NO_TIME where that is not known."""
        return NO_TIME if self.start_ns is None else datetime.fromtimestamp(self.start_ns // 1000 / 1e6, UTC)

    def of_kind(self, kind: GroupKind) -> list[int]:
        """Indices of the channels of a kind."""
        return [k for k, channel in enumerate(self.channels) if channel.kind == kind]

    def millivolts(self) -> np.ndarray:
        """float64 (ECG leads, N), NaN where not valid."""
        rows = self.of_kind(GroupKind.ECG)
        raw = self.samples[rows]
        baseline, per_mv, invalid = (
            np.array([[getattr(self.channels[k], name)] for k in rows], float)
            for name in ("baseline", "per_mv", "invalid")
        )
        return np.where(raw == invalid, np.nan, (raw - baseline) / per_mv)

    def codes(self) -> np.ndarray:
        """int16 (channels, N): the samples, CODE_MISSING where not valid, no other one as low."""
        invalid = np.array([[channel.invalid] for channel in self.channels])
        return np.where(self.samples == invalid, CODE_MISSING, np.maximum(self.samples, CODE_LIMIT)).astype(np.int16)

    def stretch(self, start_s: float, stop_s: float | None) -> RecordedSignal:
        """The part of the recording from one time to another. Raises RecordError where that holds no sample."""
        first = round(start_s * self.fs_hz)
        last = self.samples.shape[1] if stop_s is None else round(stop_s * self.fs_hz)
        part = self.samples[:, max(first, 0) : max(last, 0)]
        if not part.shape[1]:
            length_s = float(self.samples.shape[1] / self.fs_hz)
            raise RecordError(f"Nothing lies between {start_s:g} s and {stop_s} s: {self.name} lasts {length_s:g} s.")
        start_ns = None if self.start_ns is None else self.start_ns + round(max(first, 0) / self.fs_hz * 10**9)
        return RecordedSignal(self.name, self.fs_hz, self.channels, part, start_ns)


def start_of(when: datetime | None) -> int | None:
    """Nanoseconds since 1970; a time without a zone is read as UTC. None for NO_TIME, too."""
    when = when and when.replace(tzinfo=when.tzinfo or UTC)
    if when in (None, NO_TIME):
        return None
    return (when - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1) * 1000


def checked(recording: RecordedSignal, path: object) -> RecordedSignal:
    """The same recording. Raises RecordError where it holds no ECG, no sample, or a lead twice."""
    names = [channel.name for channel in recording.channels]
    ecg = [lead_name(names[k]) or "" for k in recording.of_kind(GroupKind.ECG)]
    if not ecg:
        units = ", ".join(f"{channel.name} [{channel.unit or 'no unit'}]" for channel in recording.channels)
        raise RecordError(
            f"{path} holds no ECG: a lead is measured in V, mV, µV or nV and is no EEG, EMG or EOG; found {units}."
        )
    if twice := sorted({name for name in ecg if name and ecg.count(name) > 1}):
        raise RecordError(f"{path} holds lead {', '.join(twice)} more than once; name each by its own lead.")
    if not recording.samples.shape[1]:
        raise RecordError(f"{path} holds no sample.")
    return recording


def codes16(values: np.ndarray, path: object) -> np.ndarray:
    """int16 of integers in any type. Raises RecordError where they do not fit."""
    if values.size and (values.min() < -32_768 or values.max() > 32_767):
        raise RecordError(f"The record {path} has raw values that 16 bits cannot hold; rescale it to 16 bits.")
    return np.ascontiguousarray(values, dtype=np.int16)


def codes_of_fractions(values: np.ndarray, channels: Sequence[RecordedChannel], path: object) -> np.ndarray:
    """int16 (channels, N) of values in each channel's unit, NaN where not valid. Raises RecordError."""
    gain = np.array([[channel.gain] for channel in channels])
    codes = np.rint(values * gain)
    far = np.nanmax(np.abs(codes), axis=1, initial=0.0) > 32_767
    if far.any():
        channel = channels[int(np.argmax(far))]
        worst = float(np.nanmax(np.abs(values[int(np.argmax(far))])))
        raise RecordError(
            f"{path}: {channel.name} reaches {worst:g} {channel.unit}, more than an ECG can; is the unit right?"
        )
    return np.where(np.isnan(codes), INVALID, codes).astype(np.int16)


def fraction_channel(name: str, unit: str) -> RecordedChannel:
    """A channel whose file holds fractions: 1 µV a step, or a hundredth of whatever is no voltage."""
    per_mv = PER_MV.get(unit.casefold())
    return RecordedChannel(name, unit, STEPS_PER_MV / per_mv if per_mv else 100.0)
