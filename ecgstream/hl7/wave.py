"""One channel of one block of time, whichever form it came in, and the rules its numbers keep."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from ..errors import Hl7Error
from ..waveform import GroupKind
from .refusals import Refused
from .samples import MISSING

INVALID = 32_767
"""Marks a sample as invalid where a sender says nothing else."""


@dataclass(frozen=True, slots=True)
class Wave:
    """One channel of one block of time."""

    kind: GroupKind
    code: int
    name: str
    unit: str
    gain: float  # raw steps per unit
    baseline: int
    invalid: int
    fs_hz: Fraction
    start_ns: int
    samples: np.ndarray  # int16


def number(text: str, where: str) -> float:
    """Raises Hl7Error for what is no number."""
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise Hl7Error(Refused.BAD_FIELD, f"A number is wanted; found {text[:40]!r}.", where)
    return value


def rate(hz: float, where: str) -> Fraction:
    """Raises Hl7Error outside 1 to 10 000 Hz."""
    if not 1 <= hz <= 10_000:
        raise Hl7Error(Refused.BAD_CHANNEL, f"The sampling rate must be 1 to 10000 Hz; it is {hz:g}.", where)
    return Fraction(hz).limit_denominator(1000)


def as_int16(values: np.ndarray, steps: float, invalid: int, where: str) -> np.ndarray:
    """Raw steps as int16; what was left empty, or is the invalid number, as ``invalid``. Raises Hl7Error."""
    gone = (values == MISSING) | (values == invalid)
    raw = values if steps == 1.0 and values.dtype.kind == "i" else np.round(np.where(gone, 0, values) * steps)
    raw = np.where(gone, invalid, raw) if gone.any() else raw
    if raw.min() < -32_768 or raw.max() > 32_767:
        worst = raw.max() if raw.max() > 32_767 else raw.min()
        raise Hl7Error(
            Refused.BAD_SAMPLES, f"A sample of {float(worst):g} raw steps does not fit 16 bits; check the unit.", where
        )
    return raw.astype(np.int16)
