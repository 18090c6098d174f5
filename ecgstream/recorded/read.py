"""``read_recording``: whatever the format, by its file name's ending and, where that says nothing, by its content."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from ..errors import RecordError
from .recording import RecordedSignal, checked

_MODULES = {
    "": "wfdb_files",
    ".hea": "wfdb_files",
    ".edf": "edf",
    ".bdf": "edf",
    ".dcm": "dicom",
    ".xml": "vendors",
    ".ecg": "vendors",
    ".hol": "vendors",
    ".vital": "vital",
    ".csv": "tables",
    ".parquet": "tables",
}
"""Modules with a function ``read(path)``, imported when asked for: each brings a library."""
FORMATS = (
    "WFDB (path without extension, or .hea), EDF+ (.edf), DICOM waveform (.dcm), HL7 aECG, Philips Sierra and GE MUSE "
    "(.xml), ISHNE (.ecg, .hol), VitalDB (.vital), CSV and Parquet"
)


def read_recording(path: Path) -> RecordedSignal:
    """The recording in a file, its leads and units checked.

    Raises RecordError where the file cannot be read, is of no known format, or holds no ECG.
    """
    return checked(_reader(path)(path), path)


def _reader(path: Path) -> Callable[[Path], RecordedSignal]:
    suffix = path.suffix.lower()
    if not path.is_file():
        if suffix in _MODULES and suffix not in ("", ".hea"):
            raise RecordError(f"The recording {path} is not there; check its path.")
        suffix = ""  # names of WFDB records may hold dots
    elif suffix not in _MODULES:
        suffix = ".dcm" if _is_dicom(path) else None
    if suffix is None:
        raise RecordError(f"The recording {path} is of no format known here; there are {FORMATS}.")
    try:
        return import_module(f".{_MODULES[suffix]}", __package__).read
    except ModuleNotFoundError as error:
        raise RecordError(
            f"To read {path} {error.name} is needed, which is not installed; run: pip install 'ecgstream[records]'"
        ) from error


def _is_dicom(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(132)[128:] == b"DICM"
