"""WFDB records and annotations as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import wfdb

from ..errors import RecordError
from ..waveform import CODE_LIMIT, CODE_MISSING, Channel
from ..wire.leads import assign_slots, resolve_lead

_MV_PER_UNIT = {"mv": 1.0, "uv": 1e-3, "µv": 1e-3, "v": 1e3}
_NOT_ECG = {"resp", "pleth", "abp", "art", "pap", "cvp"}


@dataclass(frozen=True, slots=True)
class Record:
    """The ECG leads of one recording, in the recording's own codes: ``mV = (adu - baseline_adu) * mv_per_adu``."""

    name: str
    fs_hz: Fraction
    leads: tuple[str, ...]
    slots: np.ndarray  # int64 (C,), index into waveform.LEADS
    adu: np.ndarray  # int16 (C, N), CODE_MISSING where the recording has no value
    mv_per_adu: np.ndarray  # float32 (C,)
    baseline_adu: np.ndarray  # float32 (C,)
    comments: tuple[str, ...] = ()

    @property
    def duration_s(self) -> float:
        """Length of the recording."""
        return float(self.adu.shape[1] / self.fs_hz)


@dataclass(frozen=True, slots=True)
class Annotations:
    """Reference annotations of one recording."""

    time_s: np.ndarray  # float64 (A,)
    symbol: np.ndarray  # str (A,), WFDB annotation symbols
    note: np.ndarray  # str (A,), WFDB auxiliary notes, such as "(VFL"


def record_names(folder: Path, extension: str = "hea") -> list[str]:
    """Names of the folder's records that have a file of this extension, sorted."""
    return sorted(path.stem for path in folder.glob(f"*.{extension}") if path.with_suffix(".hea").exists())


def read_record(path: Path) -> Record:
    """The ECG leads of a WFDB record (path without extension). Raises RecordError when there are none to be had."""
    try:
        source = wfdb.rdrecord(str(path))
    except (OSError, ValueError) as error:
        raise RecordError(f"The WFDB record {path} cannot be read ({error}); check the path and its files.") from error
    ecg = [i for i, name in enumerate(source.sig_name) if _is_ecg(name, source.units[i])]
    if not ecg:
        raise RecordError(f"The WFDB record {path} has no ECG lead in volts among {source.sig_name}.")
    leads = _resolved(source.sig_name[i] for i in ecg)
    gain = np.array([source.adc_gain[i] for i in ecg])
    baseline = np.array([source.baseline[i] for i in ecg])
    units_mv = np.array([_MV_PER_UNIT[source.units[i].casefold()] for i in ecg])
    return Record(
        name=source.record_name,
        fs_hz=Fraction(source.fs).limit_denominator(1_000_000),
        leads=tuple(lead.name for lead in leads),
        slots=np.array(assign_slots(leads), np.int64),
        adu=_codes(source.p_signal.T[ecg], gain, baseline, path),
        mv_per_adu=(units_mv / gain).astype(np.float32),
        baseline_adu=baseline.astype(np.float32),
        comments=tuple(source.comments),
    )


def read_annotations(path: Path, extension: str = "atr") -> Annotations:
    """Reference annotations of a WFDB record (path without extension). Raises RecordError."""
    try:
        source = wfdb.rdann(str(path), extension)
        fs_hz = source.fs or wfdb.rdheader(str(path)).fs
    except (OSError, ValueError) as error:
        raise RecordError(f"The annotations {path}.{extension} cannot be read ({error}); check the path.") from error
    notes = [note.rstrip("\x00").strip() for note in source.aux_note]
    return Annotations(source.sample / fs_hz, np.array(source.symbol, dtype=str), np.array(notes, dtype=str))


def _is_ecg(name: str, unit: str) -> bool:
    return unit.casefold() in _MV_PER_UNIT and name.casefold() not in _NOT_ECG


def _resolved(names) -> list[Channel]:
    return [Channel(*resolve_lead(0, name), unit="mV", gain=1.0, baseline=0) for name in names]


def _codes(signal: np.ndarray, gain: np.ndarray, baseline: np.ndarray, path: Path) -> np.ndarray:
    """The recording's own integers, back from physical units, in which wfdb has marked every format's invalid value."""
    codes = np.rint(signal * gain[:, None] + baseline[:, None])
    measured = codes[np.isfinite(codes)]
    if measured.size and (measured.min() < -32768 or measured.max() > 32767):
        span = f"{measured.min():.0f} to {measured.max():.0f}"
        raise RecordError(f"The record {path} has codes of {span}, more than 16 bits hold; rescale it to 16 bits.")
    codes = np.maximum(codes, float(CODE_LIMIT))
    return np.where(np.isfinite(codes), codes, float(CODE_MISSING)).astype(np.int16)
