"""Whether a beat is ventricular: unlike the row's usual QRS in shape, and broad or premature. Compiled.

Rules by hand, set on the training half (DS1) of the MIT-BIH Arrhythmia Database: correlation with a running template
(as in Hamilton 2002), effective width against the template's, and interval against the row's usual one.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from ..waveform import GRID_HZ
from .energy import ENERGY_DELAY
from .noisy import learn_qrs
from .state import N_MAIN_LEADS, SHAPE

BEFORE = int(ENERGY_DELAY + 0.5) + SHAPE // 2
"""Samples from the beginning of a QRS shape to the peak of its energy."""
_LAGS = 5
_TRIED = 2 * _LAGS + 1
_WIDE, _PART = 16, 10
"""Beats that are compared side by side, the last of which are nobody's; so many samples of each, unrolled."""
assert _TRIED <= _WIDE and SHAPE % _PART == 0
_LEARN_STEP = 0.1
_LIKE, _LIKE_AT_FIRST, _FIRST = 0.9, 0.8, 8
"""Beats this like the template move it; the first ones may be less like it."""
_UNLIKE_BEATS = 12
_UNLIKE_AT_FIRST, _LEARNT_FROM = 4, 4
"""So few are enough while the shapes were learnt from no more than so many: the first beat was the odd one."""
_SLOW = int(0.6 * GRID_HZ)
"""After so many successive unlike beats, none faster than this, the usual QRS has changed and is learnt anew."""
_RR_STEP = 0.125
_ALIKE = 0.6
"""Correlation from which two successive beats are alike. Those of a tachycardia are; those of artefacts are not."""


@njit(cache=True, nogil=True)
def classify(s, lead_ecg, peak, rr):
    """True for a ventricular beat, at index ``peak`` of the energy; ``rr`` samples after the last, -1 when unknown."""
    start = peak - BEFORE
    if s.shapes_learnt.max() == 0:
        _learn(s, lead_ecg, start, 1.0)
        _keep_last(s, lead_ecg, start)
        return False
    heard = False
    for main in range(N_MAIN_LEADS):
        heard = heard or tells(s, main)
    if not heard:
        _learn(s, lead_ecg, start, _LEARN_STEP)
        return False
    lag, like = _best_lag(s, lead_ecg, start)
    width = _relative_width(s, lead_ecg, start + lag)
    early = rr / s.usual_rr if rr > 0 else 1.0
    ventricular = _is_ventricular(like, width, early)
    s.alike = 1 if _resembles_last(s, lead_ecg, start) else 0
    _follow_shape(s, lead_ecg, start + lag, like, rr)
    if not ventricular and rr > 0:
        s.usual_rr += _RR_STEP * (min(max(rr, 0.5 * s.usual_rr), 1.5 * s.usual_rr) - s.usual_rr)
    return ventricular


@njit(cache=True, nogil=True)
def tells(s, main):
    """Whether a main lead has a shape, and is heard now: one that has come loose tells nothing."""
    return s.shapes_learnt[main] > 0 and s.weight[s.main_lead[main]] > 0.0


@njit(cache=True, nogil=True)
def _is_ventricular(like, width, early):
    if like < 0.7 and width > 1.15:
        return True
    if like < 0.85 and width > 1.1 and early < 0.9:
        return True
    return like < 0.8 and width > 0.95 and early < 0.85


@njit(cache=True, nogil=True)
def _best_lag(s, lead_ecg, start):
    """(lag, correlation) at which the main leads together are most like their shapes, weighed by height."""
    best, at = -2.0, 0
    heights, likes = np.zeros(N_MAIN_LEADS), np.zeros((N_MAIN_LEADS, _TRIED))
    for main in range(N_MAIN_LEADS):
        if tells(s, main):
            heights[main] = np.abs(s.shape[main]).max()
            correlations(lead_ecg[s.main_lead[main]], start - _LAGS, 1, s.shape[main], likes[main])
    for k in range(_TRIED):
        total = weight = 0.0
        for main in range(N_MAIN_LEADS):
            if tells(s, main):
                weight += heights[main]
                total += heights[main] * likes[main, k]
        if total > best * weight:
            best, at = total / max(weight, 1e-9), k - _LAGS
    return at, best


@njit(cache=True, nogil=True)
def correlation(beat, shape):
    """Pearson's, where the mean of ``shape`` is 0 already."""
    mean = beat.mean()
    product = square = norm = 0.0
    for i in range(len(shape)):
        value = beat[i] - mean
        product += value * shape[i]
        square += value * value
        norm += shape[i] * shape[i]
    return product / np.sqrt(max(square * norm, 1e-12))


@njit(cache=True, nogil=True, error_model="numpy")
def correlations(ecg, first, step, shape, out):
    """``correlation``, to the last digit, of ``shape`` (SHAPE,) with each of _TRIED beats of ``ecg``, which begin at
    index ``first`` and each ``step`` later: side by side, as one alone waits for its own sums."""
    beats = np.zeros((SHAPE, _WIDE), np.float32)
    for k in range(_TRIED):
        own = ecg[first + k * step : first + k * step + SHAPE]
        for i in range(SHAPE):
            beats[i, k] = own[i]
    mean, product, square = np.zeros(_WIDE, np.float32), np.zeros(_WIDE), np.zeros(_WIDE)
    for start in range(0, SHAPE, _PART):
        part = beats[start : start + _PART]
        for k in range(_WIDE):
            total = mean[k]
            for i in range(_PART):
                total += part[i, k]
            mean[k] = total
    norm = 0.0
    for i in range(SHAPE):
        norm += shape[i] * shape[i]
    for start in range(0, SHAPE, _PART):
        part, own = beats[start : start + _PART], shape[start : start + _PART]
        for k in range(_WIDE):
            here, size, middle = product[k], square[k], np.float32(mean[k] / SHAPE)
            for i in range(_PART):
                value = part[i, k] - middle
                here += value * own[i]
                size += value * value
            product[k], square[k] = here, size
    for k in range(_TRIED):
        out[k] = product[k] / np.sqrt(max(square[k] * norm, 1e-12))


@njit(cache=True, nogil=True)
def _resembles_last(s, lead_ecg, start):
    """Whether the beat is like the one before, in the main leads together; the beat is kept for the next."""
    heights, likes = np.zeros(N_MAIN_LEADS), np.zeros((N_MAIN_LEADS, _TRIED))
    for main in range(N_MAIN_LEADS):
        if tells(s, main):
            heights[main] = np.abs(s.last_beat[main]).max()
            correlations(lead_ecg[s.main_lead[main]], start - 2 * _LAGS, 2, s.last_beat[main], likes[main])
    best = -1.0
    for k in range(_TRIED):
        total = weight = 0.0
        for main in range(N_MAIN_LEADS):
            if tells(s, main):
                weight += heights[main]
                total += heights[main] * likes[main, k]
        best = max(best, total / max(weight, 1e-9))
    _keep_last(s, lead_ecg, start)
    return best > _ALIKE


@njit(cache=True, nogil=True)
def _keep_last(s, lead_ecg, start):
    for main in range(N_MAIN_LEADS):
        if s.main_lead[main] >= 0:
            beat = lead_ecg[s.main_lead[main], start : start + SHAPE]
            s.last_beat[main] = beat - beat.mean()


@njit(cache=True, nogil=True)
def _relative_width(s, lead_ecg, start):
    """Effective width, area over height, of the beat in the main leads together, against that of the shapes."""
    area = height = usual_area = usual_height = 0.0
    for main in range(N_MAIN_LEADS):
        if tells(s, main):
            beat = lead_ecg[s.main_lead[main], start : start + SHAPE]
            size = np.abs(beat - beat.mean())
            area, height = area + size.sum(), height + size.max()
            usual = np.abs(s.shape[main])
            usual_area, usual_height = usual_area + usual.sum(), usual_height + usual.max()
    return area * usual_height / max(height * usual_area, 1e-9)


@njit(cache=True, nogil=True)
def _follow_shape(s, lead_ecg, start, like, rr):
    if like > _LIKE or (like > _LIKE_AT_FIRST and s.shapes_learnt.max() < _FIRST):
        s.unlike = 0
        _learn(s, lead_ecg, start, _LEARN_STEP)
        return
    s.unlike = s.unlike + 1 if rr > _SLOW else 0
    if s.unlike >= (_UNLIKE_AT_FIRST if s.shapes_learnt.max() <= _LEARNT_FROM else _UNLIKE_BEATS):
        s.unlike = 0
        s.shapes_learnt[:] = 0
        _learn(s, lead_ecg, start, 1.0)


@njit(cache=True, nogil=True)
def _learn(s, lead_ecg, start, step):
    """Move the shapes towards the beat; a lead whose shape is not learnt takes it over whole."""
    for main in range(N_MAIN_LEADS):
        lead = s.main_lead[main]
        if lead >= 0 and s.weight[lead] > 0.0:
            beat = lead_ecg[lead, start : start + SHAPE]
            share = step if s.shapes_learnt[main] > 0 else 1.0
            s.shape[main] += share * (beat - beat.mean() - s.shape[main])
            learn_qrs(s, main, lead_ecg[lead], start, share)
            s.shapes_learnt[main] += 1
