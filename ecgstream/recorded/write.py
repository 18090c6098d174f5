"""``write_recording``: the format by the file name's ending."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from ..errors import RecordError
from .recording import RecordedSignal

WRITERS = {".dcm": "dicom", ".xml": "aecg", ".edf": "edf", ".hea": "wfdb_files"}
"""Modules with a function ``write(recording, path)``."""


def write_recording(recording: RecordedSignal, path: Path) -> None:
    """Write DICOM (.dcm), HL7 aECG (.xml), EDF+ (.edf) or WFDB (.hea).

    Raises RecordError for another ending, for what the format cannot hold, and where the file cannot be written.
    """
    if path.suffix.lower() not in WRITERS:
        raise RecordError(f"{path} must end in .dcm (DICOM), .xml (HL7 aECG), .edf (EDF+) or .hea (WFDB).")
    try:
        module = import_module(f".{WRITERS[path.suffix.lower()]}", __package__)
    except ModuleNotFoundError as error:
        raise RecordError(
            f"To write {path} {error.name} is needed, which is not installed; run: pip install 'ecgstream[records]'"
        ) from error
    try:
        module.write(recording, path)
    except OSError as error:
        raise RecordError(f"{path} cannot be written ({error}); name another place.") from error
