"""What a chunk must keep to so that it can have a place."""

from __future__ import annotations

from fractions import Fraction

from ..errors import IntakeError

RATES_HZ = (50, 2000)
"""Lowest and highest ECG sampling frequency that conditioning resamples."""


def check_rate(stream_id: str, fs_hz: Fraction) -> None:
    """Raises IntakeError for an ECG rate that conditioning cannot resample."""
    if not RATES_HZ[0] <= fs_hz <= RATES_HZ[1]:
        raise IntakeError(
            "unusable_rate",
            f"Stream {stream_id!r} sends ECG at {float(fs_hz):g} Hz; it must be {RATES_HZ[0]} to "
            f"{RATES_HZ[1]} Hz. Resample at the sender.",
        )
