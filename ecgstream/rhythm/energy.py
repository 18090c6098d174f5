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
"""The average of the rectified difference: PARTS groups of PART samples; both are five, and MEAN eight, in the sums."""
REACH = 3 * MEAN + PARTS * PART - 1
"""Samples an output depends on, itself included."""
ENERGY_DELAY = (3 * MEAN - 1) / 2 + (PARTS * PART - 1) / 2


@njit(cache=True, nogil=True)
def _sum_of_eight(values, sums):
    """``sums[i]`` = values[i] + ... + values[i + 7], in this order; views, as these compile to vector instructions."""
    n = len(sums)
    a, b, c, d = values[:n], values[1 : n + 1], values[2 : n + 2], values[3 : n + 3]
    e, f, g, h = values[4 : n + 4], values[5 : n + 5], values[6 : n + 6], values[7 : n + 7]
    for i in range(n):
        sums[i] = a[i] + b[i] + c[i] + d[i] + e[i] + f[i] + g[i] + h[i]


@njit(cache=True, nogil=True)
def _sum_of_five(values, at, sums):
    """``sums[i]`` = values[i + at[0]] + ... + values[i + at[4]], in this order."""
    n = len(sums)
    a, b, c = values[at[0] : at[0] + n], values[at[1] : at[1] + n], values[at[2] : at[2] + n]
    d, e = values[at[3] : at[3] + n], values[at[4] : at[4] + n]
    for i in range(n):
        sums[i] = a[i] + b[i] + c[i] + d[i] + e[i]


@njit(cache=True, nogil=True)
def qrs_energy(ecg, work, slope, energy):
    """``slope`` (size of the second difference, mV) and ``energy`` of ``ecg`` (samples,), both defined from
    ``REACH - 1`` on. ``work`` is scratch of the same length."""
    sums = work[MEAN - 1 :]
    _sum_of_eight(ecg, sums)
    size = slope[3 * MEAN - 1 :]
    old, middle, new = sums[: len(size)], sums[MEAN : MEAN + len(size)], sums[2 * MEAN :]
    for i in range(len(size)):
        size[i] = abs(middle[i] - np.float32(0.5) * (old[i] + new[i])) * np.float32(1 / MEAN)
    parts, average = work[3 * MEAN + PART - 2 :], energy[REACH - 1 :]
    _sum_of_five(size, (0, 1, 2, 3, 4), parts)
    _sum_of_five(parts, (4 * PART, 3 * PART, 2 * PART, PART, 0), average)
    for i in range(len(average)):
        average[i] *= np.float32(1 / (PARTS * PART))
