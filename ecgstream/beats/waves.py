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
)  # fmt: skip
_STEP = 0.06
_SHIFTS = 10


@njit(cache=True, nogil=True)
def _norm(points):
    total = np.float32(0.0)
    for value in points:
        total += value * value
    return np.sqrt(total / np.float32(len(points)))


@njit(cache=True, nogil=True)
def measure_waves(s, used, at, size_mv, p, t, out):
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
        ecg = s.ecg[s.lead[u]]
        take(ecg, at + P_START, STRIDE, p[u])
        take(ecg, at + T_START, T_STRIDE, t[u])
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
        _shifted(s, used, at, out)
    if t_usual > 0:
        out[13], out[14] = t_like / t_usual, t_own / t_usual


@njit(cache=True, nogil=True)
def _shifted(s, used, at, out):
    """Best likeness of the P stretch, shifted up to 40 ms either way, and that shift."""
    work = np.empty(P, np.float32)
    best, shift = np.float32(-2.0), 0
    for step in range(-_SHIFTS, _SHIFTS + 1, 2):
        like = weight = np.float32(0.0)
        for u in range(USED):
            if used[u] and s.p_learnt[u] > 0:
                take(s.ecg[s.lead[u]], at + P_START + step, STRIDE, work)
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
