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


def check_length(stream_id: str, n: int, most: int, ring_s: float) -> None:
    """Raises IntakeError for a chunk of ``n`` samples that the ring, which takes ``most``, cannot hold."""
    if n > most:
        raise IntakeError(
            "chunk_too_long",
            f"A chunk of stream {stream_id!r} holds {n} samples; the ring of intake.ring_s = {ring_s:g} s takes "
            f"{most}. Send shorter chunks, or raise ring_s.",
        )
