"""Every feature of a strip, by name, in one call. Compiled."""

from __future__ import annotations

import numpy as np
from numba import njit

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


@njit(cache=True, nogil=True)
def measure_strip(ecg, beats, ventricular, quality, usable, out):
    """Fill ``out`` (len(FEATURES),), float64; NaN where the strip does not tell.

    ``ecg`` float32 (n,), mV at STRIP_HZ; ``beats`` int64 (K,), samples of the QRS in it, rising, and ``ventricular``
    uint8 (K,); ``quality`` float32 and ``usable`` uint8, of the lead, by hop. An interval across an unusable hop is not
    known.
    """
    known = np.empty(len(beats))
    count = 0
    for k in range(1, len(beats)):
        between = usable[beats[k - 1] // STRIP_HOP : beats[k] // STRIP_HOP + 1]
        if between.all():
            known[count] = (beats[k] - beats[k - 1]) / STRIP_HZ
            count += 1
    measure_intervals(known[:count], out[:_SHAPES])
    usual, place = measure_shapes(ecg, beats, ventricular, out[_SHAPES:_REMAINS])
    measure_remains(ecg, beats, usual, place, quality, usable, out[_REMAINS:])
