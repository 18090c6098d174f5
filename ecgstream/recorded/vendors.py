"""HL7 aECG, Philips Sierra XML, GE MUSE XML and ISHNE, by ecgdatakit."""

from __future__ import annotations

import warnings
from fractions import Fraction
from pathlib import Path

import numpy as np
from ecgdatakit import FileParser, Lead
from ecgdatakit.exceptions import ECGDataKitError

from ..errors import RecordError
from .recording import INVALID, RecordedChannel, RecordedSignal, codes16, start_of


def read(path: Path) -> RecordedSignal:
    """The leads of the first series, in the file's own codes. Raises RecordError."""
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="auto_scale=False")
            source = FileParser.parse(path, auto_scale=False)
    except (ECGDataKitError, OSError, ValueError) as error:
        raise RecordError(
            f"{path} cannot be read ({error}); by its content it must be HL7 aECG, Philips Sierra, GE MUSE or ISHNE."
        ) from error
    if not source.leads:
        raise RecordError(f"{path} holds no lead.")
    rates, lengths = ({lead.sampling_rate for lead in source.leads}, {len(lead.samples) for lead in source.leads})
    if len(rates) > 1 or len(lengths) > 1:
        raise RecordError(
            f"The leads of {path} have several rates or lengths ({rates} Hz, {lengths}); export them alike."
        )
    (fs_hz,) = rates
    start = source.recording.date
    return RecordedSignal(
        path.stem,
        Fraction(fs_hz).limit_denominator(1000),
        tuple(_channel(lead, path) for lead in source.leads),
        codes16(np.stack([_codes(lead, path) for lead in source.leads]), path),
        start_of(start),
    )


def _channel(lead: Lead, path: Path) -> RecordedChannel:
    if not lead.resolution_unit or not lead.resolution:
        raise RecordError(f"{path} does not say how many µV a step of lead {lead.label} is; export it with its scale.")
    return RecordedChannel(lead.label, lead.resolution_unit, 1 / lead.resolution, round(-lead.offset / lead.resolution))


def _codes(lead: Lead, path: Path) -> np.ndarray:
    codes = np.where(np.isnan(lead.samples), INVALID, lead.samples)
    if (codes != np.rint(codes)).any():
        raise RecordError(f"{path}: lead {lead.label} holds fractions where codes must stand.")
    return codes
