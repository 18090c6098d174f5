"""Can a lead be trusted? Judged once a hop from the last second of raw and filtered signal. Compiled.

Ventricular fibrillation and asystole must pass as signal, or a lethal alarm would be lost to "noise". Hence noise is
never told from rhythm or rate, only from what no heart makes: roughness in the stretches between complexes, and a trace
that stays far from its baseline.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from ..waveform import CODE_LIMIT, HOP_SAMPLES, Reason

WINDOW_HOPS = 5
N_FEATURES = 5
"""Raw minimum and maximum (adu), roughness (mV), mean (mV), share of native samples stuck at a rail."""

FLAT_ADU = 1.0
FLAT_MV = 0.005
"""A lead whose raw range over the window is no more than either is flat. A body shows more, in asystole too."""
RAIL_MV = 2.5
"""A rail is at least this far from zero; the flat top of a complex never is for long."""
RANGE_MV = 10.0
STUCK_SHARE = 0.2
ROUGH_MV = 0.06
"""Roughness that halves the quality."""
WANDER_MV = 1.5
"""Mean of the filtered window that halves the quality."""
NOISE_QUALITY = 0.2
"""Below this a lead is called noise."""

_LIMIT = int(CODE_LIMIT)
_OK, _MISSING, _LEAD_OFF = int(Reason.OK), int(Reason.MISSING), int(Reason.LEAD_OFF)
_FLAT, _SATURATED, _NOISE = int(Reason.FLAT), int(Reason.SATURATED), int(Reason.NOISE)
_PARTS = 5
_PART = HOP_SAMPLES // _PARTS


@njit(cache=True, nogil=True)
def quiet_roughness(rough):
    """Second smallest of the mean roughness of a hop's five 40 ms parts: what is left beside a QRS complex."""
    least = second = np.inf
    for part in range(_PARTS):
        total = 0.0
        for t in range(part * _PART, (part + 1) * _PART):
            total += rough[t]
        if total < least:
            least, second = total, least
        elif total < second:
            second = total
    return second / _PART


@njit(cache=True, nogil=True)
def measure_raw(raw, mv_per_adu, baseline, features):
    """Raw range of a hop and the share of its samples at a rail or out of range, into ``features[0, 1, 4]``."""
    low, high = 32767, -32768
    for value in raw:
        low, high = min(low, value), max(high, value)
    at_low = at_high = outside = 0
    for value in raw:
        at_low += value == low
        at_high += value == high
        outside += abs(value - baseline) * mv_per_adu > RANGE_MV
    stuck = outside
    if abs(low - baseline) * mv_per_adu > RAIL_MV:
        stuck = max(stuck, at_low)
    if abs(high - baseline) * mv_per_adu > RAIL_MV:
        stuck = max(stuck, at_high)
    features[0], features[1], features[4] = low, high, stuck / max(len(raw), 1)


@njit(cache=True, nogil=True)
def why_unusable(unusable):
    """(usable samples, the commoner Reason among the others) of a hop."""
    off = missing = 0
    for why in unusable:
        off += why == _LEAD_OFF
        missing += why == _MISSING
    return len(unusable) - off - missing, _LEAD_OFF if off >= missing else _MISSING


@njit(cache=True, nogil=True)
def judge_window(window, filled, mv_per_adu):
    """(Reason, quality) of a lead from ``window`` (WINDOW_HOPS, N_FEATURES), of which ``filled`` hops are set."""
    spread = window[:, 1].max() - window[:, 0].min()
    if window[:, 4].max() >= STUCK_SHARE:
        return _SATURATED, 0.0
    if filled == WINDOW_HOPS and (spread <= FLAT_ADU or spread * abs(mv_per_adu) <= FLAT_MV):
        return _FLAT, 0.0
    rough = np.median(window[:, 2]) / ROUGH_MV
    wander = window[:, 3].mean() / WANDER_MV
    quality = 1 / ((1 + rough * rough) * (1 + wander * wander))
    return (_OK if quality >= NOISE_QUALITY else _NOISE), quality


@njit(cache=True, nogil=True)
def judge_hop(hop, raw, mv_per_adu, baseline, mv, unusable, rough, window, filled):
    """(Reason, quality, filled hops) of the segment's ``hop``, of one lead; ``window`` is updated."""
    usable, why = why_unusable(unusable)
    if usable < HOP_SAMPLES // 2:
        return why, 0.0, 0
    if usable < HOP_SAMPLES:
        return _OK, usable / HOP_SAMPLES, 0
    place = hop % WINDOW_HOPS
    features = window[place]
    measure_raw(raw, mv_per_adu, baseline, features)
    features[2] = quiet_roughness(rough)
    features[3] = mv.mean()
    if filled == 0:
        for other in range(WINDOW_HOPS):
            window[other] = features
    filled = min(filled + 1, WINDOW_HOPS)
    reason, quality = judge_window(window, filled, mv_per_adu)
    return reason, quality, filled
