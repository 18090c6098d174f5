"""QRS energy of each lead: a matched second difference, rectified and averaged over 100 ms. Compiled, stateless.

The second difference of 32 ms means peaks near 12 Hz, amid the band of the QRS (Pan & Tompkins 1985), and falls with
the square of frequency below, so that a tall T wave is weaker in it than in a slope. Every output is a finite sum over
the last ``REACH`` samples, in a fixed order: no state, no drift.
"""

from __future__ import annotations

import numpy as np
from numba import njit

MEAN = 8
"""Samples of each of the three means."""
PARTS, PART = 5, 5
"""The average of the rectified difference: PARTS groups of PART samples."""
REACH = 3 * MEAN + PARTS * PART - 1
"""Samples an output depends on, itself included."""
ENERGY_DELAY = (3 * MEAN - 1) / 2 + (PARTS * PART - 1) / 2


@njit(cache=True, nogil=True)
def sliding_sum(values, n, out):
    """``out[t]`` = sum of ``values[t - n + 1 : t + 1]``, for t >= n - 1; the rest is left as it was.

    Term by term over views, which compiles to vector instructions.
    """
    length = len(values) - n + 1
    sums = out[n - 1 :]
    sums[:] = values[:length]
    for k in range(1, n):
        term = values[k : k + length]
        for i in range(length):
            sums[i] += term[i]


@njit(cache=True, nogil=True)
def qrs_energy(ecg, work, slope, energy):
    """``slope`` (size of the second difference, mV) and ``energy`` of ``ecg`` (samples,), both defined from
    ``REACH - 1`` on. ``work`` is scratch of the same length."""
    sliding_sum(ecg, MEAN, work)
    old, middle, new = work[MEAN - 1 : -2 * MEAN], work[2 * MEAN - 1 : -MEAN], work[3 * MEAN - 1 :]
    size = slope[3 * MEAN - 1 :]
    for i in range(len(size)):
        size[i] = abs(middle[i] - np.float32(0.5) * (old[i] + new[i])) * np.float32(1 / MEAN)
    sliding_sum(slope, PART, work)
    average = energy[REACH - 1 :]
    average[:] = 0.0
    for k in range(PARTS):
        term = work[REACH - 1 - k * PART :]
        for i in range(len(average)):
            average[i] += term[i]
    for i in range(len(average)):
        average[i] *= np.float32(1 / (PARTS * PART))
