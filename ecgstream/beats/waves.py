"""P and T waves against those of the patient's usual beats. Compiled.

In atrial fibrillation no P wave adds up: the usual one is then small against single ones, which itself is a feature.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from .shapes import correlation, take
from .state import P_START, STRIDE, T_START, T_STRIDE, USED, P, T

NAMES = (
    "p_like", "p_like_1", "p_like_2", "p_like_most", "p_shift", "p_usual_like", "p_like_less_usual", "p_size",
    "p_size_usual", "p_residual", "p_like_before", "p_height", "p_slope", "t_like", "t_size",
    "late_like", "late_less_usual", "late_usual_like", "late_size", "rough", "p_peak_1", "p_peak_2", "p_at_1", "p_at_2",
    "usual_peak_1", "usual_peak_2", "usual_at_1", "usual_at_2", "late_peak_1", "late_peak_2", "late_at_1", "late_at_2",
)  # fmt: skip
_STEP = 0.06
_SHIFTS = 10
_LATE, _ROUGH, _PEAK = 15, 19, 20


@njit(cache=True, nogil=True)
def _norm(points):
    total = np.float32(0.0)
    for value in points:
        total += value * value
    return np.sqrt(total / np.float32(len(points)))


@njit(cache=True, nogil=True)
def measure_waves(s, ecg, used, at, size_mv, p, t, out):
    """``NAMES`` into ``out``; the beat's own stretches into ``p`` (USED, P) and ``t`` (USED, T).

    ``size_mv``: height of the usual QRS in the leads used together, which P waves are measured by.
    """
    like = weight = usual = own = rest = before = t_like = t_own = t_usual = last = np.float32(0.0)
    height = slope = np.float32(0.0)
    for u in range(USED):
        p[u] = 0.0
        t[u] = 0.0
        if not used[u]:
            continue
        take(ecg[s.lead[u]], at + P_START, STRIDE, p[u])
        take(ecg[s.lead[u]], at + T_START, T_STRIDE, t[u])
        height += p[u].max() - p[u].min()
        slope += p[u, P - 1] - p[u, 0]
        own += _norm(p[u])
        before += correlation(p[u], s.last_p[u])
        last += 1
        if s.p_learnt[u] > 0:
            out[1 + u] = correlation(p[u], s.p[u])
            size = _norm(s.p[u])
            like, weight, usual = like + size * out[1 + u], weight + size, usual + size
            rest += _norm(p[u] - s.p[u])
        if s.t_learnt[u] > 0:
            size = _norm(s.t[u])
            t_like += size * correlation(t[u], s.t[u])
            t_own, t_usual = t_own + _norm(t[u]), t_usual + size
    if last == 0:
        return
    out[10], out[11], out[12] = before / last, height / size_mv, slope / size_mv
    out[7] = own / size_mv
    if weight > 0:
        out[0], out[5], out[6] = like / weight, s.p_like, like / weight - s.p_like
        out[8], out[9] = usual / size_mv, rest / weight
        _shifted(s, ecg, used, at, out)
    if t_usual > 0:
        out[13], out[14] = t_like / t_usual, t_own / t_usual
    _against_late(s, used, p, size_mv, out)
    _measure_peaks(s, used, p, size_mv, out[_PEAK:])
    out[_ROUGH] = _roughness(used, p, t) / size_mv


@njit(cache=True, nogil=True)
def _against_late(s, used, p, size_mv, out):
    """The P stretch against that of beats which are not early: sinus ones, if any are."""
    like = weight = same = shared = np.float32(0.0)
    for u in range(USED):
        if used[u] and s.late_learnt[u] > 0:
            size = _norm(s.late_p[u])
            like, weight = like + size * correlation(p[u], s.late_p[u]), weight + size
            if s.p_learnt[u] > 0:
                same, shared = same + size * correlation(s.p[u], s.late_p[u]), shared + size
    if weight > 0:
        out[_LATE], out[_LATE + 3] = like / weight, weight / size_mv
        out[_LATE + 1] = like / weight - out[0]
    if shared > 0:
        out[_LATE + 2] = same / shared


@njit(cache=True, nogil=True)
def _measure_peaks(s, used, p, size_mv, out):
    """Height and place of the P wave by itself: of this beat, of usual and of late ones."""
    for u in range(USED):
        if used[u]:
            out[u], out[2 + u] = _peak(p[u], size_mv)
            if s.p_learnt[u] > 0:
                out[4 + u], out[6 + u] = _peak(s.p[u], size_mv)
            if s.late_learnt[u] > 0:
                out[8 + u], out[10 + u] = _peak(s.late_p[u], size_mv)


@njit(cache=True, nogil=True)
def _peak(points, size_mv):
    """(what stands out most from the line between the ends, over ``size_mv``; where, points from the start)."""
    most, place, last = np.float32(0.0), 0, len(points) - 1
    for i in range(1, last):
        line = points[0] + (points[last] - points[0]) * np.float32(i / last)
        if abs(points[i] - line) > abs(most):
            most, place = points[i] - line, i
    return most / size_mv, place


@njit(cache=True, nogil=True)
def _roughness(used, p, t):
    """Mean size of second differences where the heart makes none: muscle noise."""
    total, n = np.float32(0.0), 0
    for u in range(USED):
        if used[u]:
            for i in range(2, P):
                total += abs(p[u, i] - 2 * p[u, i - 1] + p[u, i - 2])
            for i in range(2, T):
                total += abs(t[u, i] - 2 * t[u, i - 1] + t[u, i - 2])
            n += P + T - 4
    return total / n


@njit(cache=True, nogil=True)
def learn_late(s, used, p):
    """Move the P waves of late beats towards those of one."""
    for u in range(USED):
        if used[u]:
            s.late_learnt[u] += 1
            step = np.float32(max(_STEP, 1.0 / s.late_learnt[u]))
            for i in range(P):
                s.late_p[u, i] += step * (p[u, i] - s.late_p[u, i])


@njit(cache=True, nogil=True)
def _shifted(s, ecg, used, at, out):
    """Best likeness of the P stretch, shifted up to 40 ms either way, and that shift."""
    work = np.empty(P, np.float32)
    best, shift = np.float32(-2.0), 0
    for step in range(-_SHIFTS, _SHIFTS + 1, 2):
        like = weight = np.float32(0.0)
        for u in range(USED):
            if used[u] and s.p_learnt[u] > 0:
                take(ecg[s.lead[u]], at + P_START + step, STRIDE, work)
                size = _norm(s.p[u])
                like, weight = like + size * correlation(work, s.p[u]), weight + size
        if weight > 0 and like / weight > best:
            best, shift = like / weight, step
    out[3], out[4] = best, shift


@njit(cache=True, nogil=True)
def learn_waves(s, used, like, p, t):
    """Move the usual P and T waves towards those of a usual beat, of P likeness ``like``."""
    for u in range(USED):
        if used[u]:
            s.p_learnt[u] += 1
            s.t_learnt[u] += 1
            step = np.float32(max(_STEP, 1.0 / s.p_learnt[u]))
            for i in range(P):
                s.p[u, i] += step * (p[u, i] - s.p[u, i])
            for i in range(T):
                s.t[u, i] += step * (t[u, i] - s.t[u, i])
    if like == like:
        s.p_like = s.p_like + np.float32(_STEP) * (like - s.p_like) if s.p_like == s.p_like else like
