"""Recordings and WFDB annotations as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from ..errors import RecordError
from ..recorded import RecordedSignal, read_recording
from ..waveform import Channel, GroupKind
from ..wire.leads import assign_slots, resolve_lead


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
    """The ECG leads of a recording: WFDB (path without extension), or any format that ``recorded`` reads.

    Raises RecordError when there are none to be had.
    """
    return record_of(read_recording(path))


def record_of(source: RecordedSignal) -> Record:
    """The ECG leads of a recording that has been read."""
    ecg = source.of_kind(GroupKind.ECG)
    channels = [source.channels[k] for k in ecg]
    leads = [Channel(*resolve_lead(0, channel.name), unit="mV", gain=1.0, baseline=0) for channel in channels]
    return Record(
        name=source.name,
        fs_hz=source.fs_hz,
        leads=tuple(lead.name for lead in leads),
        slots=np.array(assign_slots(leads), np.int64),
        adu=source.codes()[ecg],
        mv_per_adu=np.array([1 / channel.per_mv for channel in channels], np.float32),
        baseline_adu=np.array([channel.baseline for channel in channels], np.float32),
        comments=source.comments,
    )


def read_annotations(path: Path, extension: str = "atr") -> Annotations:
    """Reference annotations of a WFDB record (path without extension). Raises RecordError."""
    import wfdb  # with pandas; recordings of other formats, and strips, go without

    try:
        source = wfdb.rdann(str(path), extension)
        fs_hz = source.fs or wfdb.rdheader(str(path)).fs
    except (OSError, ValueError) as error:
        raise RecordError(f"The annotations {path}.{extension} cannot be read ({error}); check the path.") from error
    notes = [note.rstrip("\x00").strip() for note in source.aux_note]
    return Annotations(source.sample / fs_hz, np.array(source.symbol, dtype=str), np.array(notes, dtype=str))
