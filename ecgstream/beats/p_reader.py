"""Where before a QRS a P wave peaks, if any does, and whether it is the one of late beats. Compiled.

A small network, the same at every place and in every lead, looks at 208 ms around the place; what it says of two
leads is added up, and a softmax over places and "none" makes probabilities of it. Taught on LUDB (Kalyakulina 2020) by
``benchmarks/p_reader.py``. That no P wave can be read says little by itself: in some patients none ever can. So only
what differs from the patient's late beats is measured.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from .p_weights import FILTERS, FILTERS_BIAS, MIX, MIX_BIAS, NONE, OUT, OUT_BIAS, PLACE, SINCE
from .shapes import take
from .state import P_FORM, STRIDE, USED

NAMES = ("p_sure_less_late", "p_form_like_late", "p_sure_where_late")
FIRST, PLACES = -66, 27
"""The earliest place of a peak, grid samples before the QRS, and how many there are: 264 to 56 ms before."""
WIDE = 32
"""Places that are reckoned with, so that all of a loop are vector instructions: the last are nobody's."""
HIDDEN, AROUND = FILTERS.shape
START, POINTS = FIRST - STRIDE * (AROUND // 2), PLACES + AROUND - 1
_GRID_HZ = 250.0
_SINCE_S, _SINCE_STEP_S = 0.1, 0.05
_LONG_S = 2.0
_NEAR = 3
_STEP = 0.06
_SURE = 0.4
_LEAST_MV = 0.15
SURE, MASS, AT = range(3)
"""Of what was found: probability that there is a P wave, that its peak lies within 24 ms of ``AT``, and the place."""


@njit(cache=True, nogil=True, inline="always", error_model="numpy")
def _squash(x):
    """Nearly tanh, at a tenth of the time."""
    x = min(max(x, np.float32(-3.0)), np.float32(3.0))
    square = x * x
    return x * (np.float32(27.0) + square) / (np.float32(27.0) + np.float32(9.0) * square)


@njit(cache=True, nogil=True, error_model="numpy")
def add_scores(points, scores):
    """Add what one lead, ``points`` (POINTS,) over the height of its usual QRS, says of each place (PLACES,)."""
    own, sums = np.zeros(WIDE + AROUND - 1, np.float32), np.zeros(WIDE, np.float32)
    hidden = np.empty((HIDDEN, WIDE), np.float32)
    own[:POINTS], sums[:PLACES] = points, scores
    for h in range(HIDDEN):
        for i in range(WIDE):
            total = FILTERS_BIAS[h]
            for k in range(AROUND):
                total += FILTERS[h, k] * own[i + k]
            hidden[h, i] = _squash(total)
    for m in range(HIDDEN):
        for i in range(WIDE):
            total = MIX_BIAS[m]
            for h in range(HIDDEN):
                total += MIX[m, h] * hidden[h, i]
            sums[i] += OUT[m] * _squash(total)
    for i in range(PLACES):
        scores[i] = sums[i] + OUT_BIAS


@njit(cache=True, nogil=True)
def to_probabilities(scores, n_leads, rr_s):
    """Of each place, instead of ``scores`` (PLACES,). ``rr_s``: since the QRS before, whose T wave is none; or NaN."""
    rr_s = rr_s if rr_s == rr_s else _LONG_S
    none = NONE[n_leads - 1]
    most = none
    for i in range(PLACES):
        since = rr_s + (FIRST + STRIDE * i) / _GRID_HZ
        scores[i] += PLACE[i] + SINCE[int(min(max((since - _SINCE_S) / _SINCE_STEP_S, 0.0), len(SINCE) - 1.0))]
        most = max(most, scores[i])
    total = np.exp(none - most)
    for i in range(PLACES):
        scores[i] = np.exp(scores[i] - most)
        total += scores[i]
    for i in range(PLACES):
        scores[i] /= total


@njit(cache=True, nogil=True)
def measure_p(s, ecg, used, at, heights, rr_s, found, form, out):
    """``NAMES`` into ``out``; (SURE, MASS, AT) into ``found`` and the wave's own form into ``form`` (USED, P_FORM).

    ``heights``: of the usual QRS, mV (USED,); ``rr_s``: the interval before the beat at grid index ``at``.
    """
    points, probability = np.zeros((USED, POINTS), np.float32), np.zeros(PLACES, np.float32)
    found[:] = np.nan
    n_leads = 0
    for u in range(USED):
        if used[u]:
            take(ecg[s.lead[u]], at + START, STRIDE, points[u])
            points[u] /= max(heights[u], np.float32(_LEAST_MV))
            add_scores(points[u], probability)
            n_leads += 1
    if n_leads == 0:
        return
    to_probabilities(probability, n_leads, rr_s)
    place = 0
    found[SURE], found[MASS] = probability.sum(), 0.0
    for i in range(PLACES):
        mass = _near(probability, i)
        if mass > found[MASS]:
            found[MASS], place = mass, i
    found[AT] = place
    for u in range(USED):
        _take_form(points[u], place, form[u])
    out[0] = found[SURE] - s.p_late_sure
    if s.p_late_learnt > 0:
        out[1] = _likeness(form, s.p_late_form)
        out[2] = _near(probability, int(np.rint(s.p_late_at)))


@njit(cache=True, nogil=True)
def _near(probability, place):
    total = np.float32(0.0)
    for i in range(max(place - _NEAR, 0), min(place + _NEAR + 1, PLACES)):
        total += probability[i]
    return total


@njit(cache=True, nogil=True)
def _take_form(points, place, form):
    """What stands out from the line between the ends of 144 ms around a place."""
    first = place + AROUND // 2 - P_FORM // 2
    step = (points[first + P_FORM - 1] - points[first]) / np.float32(P_FORM - 1)
    for i in range(P_FORM):
        form[i] = points[first + i] - points[first] - step * np.float32(i)


@njit(cache=True, nogil=True)
def _likeness(a, b):
    product = square = norm = np.float32(0.0)
    for u in range(USED):
        for i in range(P_FORM):
            product += a[u, i] * b[u, i]
            square += a[u, i] * a[u, i]
            norm += b[u, i] * b[u, i]
    return product / np.sqrt(square * norm + np.float32(1e-9))


@njit(cache=True, nogil=True)
def learn_p(s, found, form):
    """Move what is known of the P waves of late beats towards that of one."""
    if found[SURE] != found[SURE]:
        return
    known = s.p_late_sure == s.p_late_sure
    s.p_late_sure = s.p_late_sure + np.float32(_STEP) * (found[SURE] - s.p_late_sure) if known else found[SURE]
    if found[MASS] > _SURE:
        s.p_late_learnt += 1
        step = np.float32(max(_STEP, 1.0 / s.p_late_learnt))
        s.p_late_at += step * (found[AT] - s.p_late_at)
        for u in range(USED):
            for i in range(P_FORM):
                s.p_late_form[u, i] += step * (form[u, i] - s.p_late_form[u, i])
