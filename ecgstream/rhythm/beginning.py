"""The first beats of a segment. Compiled.

What a typical QRS is like is certain after two seconds. Until then a lead counts as known as soon as a QRS stands out
of it (``leads.weigh``), and when the first lead is heard, what came just before is heard again, as far back as a peak
may still be decided on: no beat is told later than any other.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from ..waveform import HOP_SAMPLES, N_LEADS
from .detector import APART, find_peak, rises
from .energy import REACH, qrs_energy
from .leads import fuse
from .state import LEVEL_HOPS

BACK_HOPS = 2
"""Hops heard again at most: their peaks are not yet due."""
_BACK = BACK_HOPS * HOP_SAMPLES


@njit(cache=True, nogil=True)
def hear_back(s, present, leads, fused, start, hop):
    """Fuse the usable hops just before the one that begins at index ``start``, and find their peaks.

    To be called when the first lead is heard, between ``weigh`` and ``fuse`` of that hop. ``leads`` and ``fused`` as
    in the walk over hops; what is known of a break moves back with them.
    """
    count = _usable_before(s)
    if count == 0:
        return
    for lead in range(N_LEADS):
        if present[lead] and s.weight[lead] > 0.0:
            _slope_before(leads[0][lead], leads[1][lead], leads[2][lead], start)
    fused[1][start - 2 * _BACK : start] = 0.0
    first = start - count * HOP_SAMPLES
    for piece in range(first, start, HOP_SAMPLES):
        fuse(s, leads[1], leads[2], piece, fused[0], fused[1])
    for t in range(first + APART, start):
        if rises(fused[0], t):
            find_peak(s, fused[0], fused[1], t, t + hop * HOP_SAMPLES - start)
    s.broken_at -= count * HOP_SAMPLES


@njit(cache=True, nogil=True)
def _usable_before(s):
    """Successive hops, up to BACK_HOPS, that a lead which is heard now was learnt from, the newest left out."""
    longest = 0
    for lead in range(N_LEADS):
        if s.weight[lead] > 0.0:
            count = 0
            while count < min(BACK_HOPS, s.hops) and s.hop_peak[lead, (s.hops - 1 - count) % LEVEL_HOPS] > 0.0:
                count += 1
            longest = max(longest, count)
    return longest


@njit(cache=True, nogil=True)
def _slope_before(ecg, energy, slope, start):
    """The slope of the samples before index ``start``, which is not kept from step to step; none where an unusable
    sample is in reach, as there is no energy either."""
    n = _BACK + REACH
    work, ignored, fresh = np.empty(n, np.float32), np.empty(n, np.float32), np.empty(n, np.float32)
    qrs_energy(ecg[start - n : start], work, fresh, ignored)
    for i in range(REACH, n):
        t = start - n + i
        slope[t] = fresh[i] if energy[t] > 0.0 else np.float32(0.0)
