"""Which peaks of the fused energy are beats. Compiled; every sample is looked at once, in order.

A peak is the highest point within 160 ms on both sides. It is decided on LOOK_AHEAD samples later, so that a smaller
peak can give way to a greater one that follows. The threshold lies between the heights of noise and of beats (Pan &
Tompkins 1985), is higher early after a beat, and falls when one is overdue; that takes the place of a search back,
which would find its beats late. A peak soon after a beat is a T wave unless it is steep (idem), or much higher than the
T waves of this row.
"""

from __future__ import annotations

from numba import njit

from .energy import ENERGY_DELAY

LOOK_AHEAD = 120
"""Samples after a peak at which it is decided on."""
DETECTION_DELAY_S = (LOOK_AHEAD + ENERGY_DELAY) / 250
"""From QRS to its confirmation, conditioning's own delay aside."""

APART = 40
"""Samples on either side within which a peak is the highest."""
_REFRACTORY = 50
_LEAST_HEIGHT = 0.05

_THRESHOLD = 0.25
_NOISE_SHARE = 0.3
_OVERDUE = (1.1, 2.0)
"""In mean RR intervals: the threshold begins to fall, and has fallen to _LOWEST."""
_LOWEST = 0.18
_EARLY = 0.7
_EARLY_GAIN = 0.5
_RIVAL_WITHIN = 90
_RIVAL_SHARE = 0.4
_T_WITHIN = 90
_T_SLOPE = 0.55
_T_SLOPE_LEAST = 0.35
_T_GAIN = 2.0
_ADAPT = 0.125
_LONGEST_RR = 500


@njit(cache=True, nogil=True, inline="always")
def rises(fused, index):
    """Whether ``index - APART`` is higher than its neighbours, as few samples are: what is asked of each is inlined."""
    c = index - APART
    return fused[c] > _LEAST_HEIGHT and fused[c] >= fused[c - 1] and fused[c] > fused[c + 1]


@njit(cache=True, nogil=True)
def find_peak(s, fused, slope, index, sample):
    """Remember the peak at ``index - APART``, which ``rises``, if it is one; ``sample`` is the grid sample of
    ``index``."""
    c = index - APART
    height = fused[c]
    for t in range(c - APART, c):
        if fused[t] >= height:
            return
    for t in range(c + 1, index + 1):
        if fused[t] > height:
            return
    n = s.n_candidates
    s.candidate_sample[n] = sample - APART
    s.candidate_height[n] = height
    s.candidate_slope[n] = slope[c - 30 : c + 1].max()
    s.n_candidates = n + 1


@njit(cache=True, nogil=True)
def due(s, sample):
    """Whether the oldest peak is to be decided on at ``sample``."""
    return s.n_candidates > 0 and sample >= s.candidate_sample[0] + LOOK_AHEAD


@njit(cache=True, nogil=True)
def stands_out(s):
    """Whether the oldest peak stands out like a beat from noise, T wave and rivals."""
    peak, height, steepness = s.candidate_sample[0], s.candidate_height[0], s.candidate_slope[0]
    rr = _since_last(s, peak)
    is_beat = rr > _REFRACTORY and height > _threshold(s, rr)
    if _REFRACTORY < rr < _T_WITHIN:
        is_beat = is_beat and _is_no_t_wave(s, height, steepness)
        s.t_height += 0.1 * (min(height, 2 * s.t_height + 0.1) - s.t_height)
    return is_beat and not _gives_way(s, peak, height)


@njit(cache=True, nogil=True)
def settle(s, is_beat):
    """Take the oldest peak off as a beat or as none; thresholds learn from it either way."""
    peak, height, steepness = s.candidate_sample[0], s.candidate_height[0], s.candidate_slope[0]
    rr = _since_last(s, peak)
    _drop_oldest(s)
    if is_beat:
        _accept(s, peak, rr, steepness)
    elif rr > _REFRACTORY:
        s.noise_height += _ADAPT * (min(height, 1.0) - s.noise_height)


@njit(cache=True, nogil=True)
def _since_last(s, peak):
    return peak - s.last_peak if s.last_peak >= 0 else 10 * _LONGEST_RR


@njit(cache=True, nogil=True)
def _threshold(s, rr):
    threshold = _THRESHOLD + _NOISE_SHARE * s.noise_height
    relative = rr / s.mean_rr
    if relative < _EARLY:
        return threshold * (1 + _EARLY_GAIN * (1 - relative / _EARLY))
    overdue = min(max((relative - _OVERDUE[0]) / (_OVERDUE[1] - _OVERDUE[0]), 0.0), 1.0)
    return max(threshold + overdue * (_LOWEST - threshold), _LOWEST)


@njit(cache=True, nogil=True)
def _is_no_t_wave(s, height, steepness):
    if steepness >= _T_SLOPE * s.last_slope:
        return True
    return s.t_height > 0 and height > _T_GAIN * s.t_height and steepness > _T_SLOPE_LEAST * s.last_slope


@njit(cache=True, nogil=True)
def _gives_way(s, peak, height):
    for k in range(1, s.n_candidates):
        if s.candidate_sample[k] - peak < _RIVAL_WITHIN and height < _RIVAL_SHARE * s.candidate_height[k]:
            return True
    return False


@njit(cache=True, nogil=True)
def _drop_oldest(s):
    s.n_candidates -= 1
    for k in range(s.n_candidates):
        s.candidate_sample[k] = s.candidate_sample[k + 1]
        s.candidate_height[k] = s.candidate_height[k + 1]
        s.candidate_slope[k] = s.candidate_slope[k + 1]


@njit(cache=True, nogil=True)
def _accept(s, peak, rr, steepness):
    if rr < _LONGEST_RR:
        s.mean_rr += _ADAPT * (min(max(rr, 0.5 * s.mean_rr), 1.5 * s.mean_rr) - s.mean_rr)
    s.last_peak = peak
    s.last_slope = steepness
