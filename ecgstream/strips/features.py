"""Every feature of a strip, by name, in one call.

Three compiled functions, called from Python: compiled into one they would take minutes to compile.
"""

from __future__ import annotations

import numpy as np

from ..waveform import GRID_HZ, HOP_SAMPLES
from . import intervals, remains, shapes
from .intervals import measure_intervals
from .remains import measure_remains
from .shapes import STRIP_HZ, measure_shapes

FEATURES = intervals.NAMES + shapes.NAMES + remains.NAMES
_SHAPES = len(intervals.NAMES)
_REMAINS = _SHAPES + len(shapes.NAMES)
STRIP_STEP = GRID_HZ // STRIP_HZ
STRIP_HOP = HOP_SAMPLES // STRIP_STEP
"""Samples of a strip in a hop."""


def measure_strip(
    ecg: np.ndarray,
    beats: np.ndarray,
    ventricular: np.ndarray,
    quality: np.ndarray,
    usable: np.ndarray,
    out: np.ndarray,
) -> None:
    """Fill ``out`` (len(FEATURES),), float64; NaN where the strip does not tell.

    ``ecg`` float32 (n,), mV at STRIP_HZ; ``beats`` int64 (K,), samples of the QRS in it, rising, and ``ventricular``
    uint8 (K,); ``quality`` float32 and ``usable`` uint8, of the lead, by hop. An interval across an unusable hop is not
    known.
    """
    unusable = np.cumsum(usable == 0)
    hop = beats // STRIP_HOP
    known = (unusable[hop[1:]] == unusable[hop[:-1]]) & (usable[hop[:-1]] != 0)
    measure_intervals(np.diff(beats)[known] / STRIP_HZ, out[:_SHAPES])
    usual, place = measure_shapes(ecg, beats, ventricular, out[_SHAPES:_REMAINS])
    measure_remains(ecg, beats, usual, place, quality, usable, out[_REMAINS:])
