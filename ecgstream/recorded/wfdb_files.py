"""WFDB records (PhysioNet), by wfdb."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import wfdb

from ..errors import RecordError
from .recording import INVALID, RecordedChannel, RecordedSignal, codes16, start_of

# Raw value that marks an invalid sample, where it is not the lowest int16 (WFDB signal format numbers).
_INVALID = {"8": -128, "80": -128, "212": -2048, "310": -512, "311": -512}


def read(path: Path) -> RecordedSignal:
    """Path without extension, or of the header. Raises RecordError."""
    path = path.with_suffix("") if path.suffix == ".hea" else path
    try:
        source = wfdb.rdrecord(str(path), physical=False)
    except (OSError, ValueError) as error:
        raise RecordError(
            f"The WFDB record {path} cannot be read ({error}); give its path without extension."
        ) from error
    channels = tuple(
        RecordedChannel(
            name,
            source.units[k],
            float(source.adc_gain[k]),
            int(source.baseline[k]),
            _INVALID.get(source.fmt[k], INVALID),
        )
        for k, name in enumerate(source.sig_name)
    )
    return RecordedSignal(
        source.record_name,
        Fraction(source.fs).limit_denominator(1000),
        channels,
        codes16(source.d_signal.T, path),
        start_of(source.base_datetime),
        comments=tuple(source.comments),
    )


def write(recording: RecordedSignal, path: Path) -> None:
    """A record of format 16 beside its header: the same codes, gains, baselines and units."""
    units = [channel.unit for channel in recording.channels]
    invalid = np.array([[channel.invalid] for channel in recording.channels])
    wfdb.wrsamp(
        path.stem,
        fs=float(recording.fs_hz),
        units=units,
        sig_name=[channel.name for channel in recording.channels],
        d_signal=np.where(recording.samples == invalid, INVALID, recording.samples).T.astype(np.int64),
        fmt=["16"] * len(units),
        adc_gain=[channel.gain for channel in recording.channels],
        baseline=[channel.baseline for channel in recording.channels],
        base_datetime=None if recording.start_ns is None else recording.start.replace(tzinfo=None),
        write_dir=str(path.parent),
    )
