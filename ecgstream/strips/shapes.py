"""Beats of one lead side by side: families of QRS, the usual beat, its P and T waves, how alike they are. Compiled."""

from __future__ import annotations

import numpy as np
from numba import njit

from .intervals import VECTORS, rank

STRIP_HZ = 125
BEFORE, AFTER = 40, 56
"""Samples of a beat kept before and after its QRS (320 and 448 ms)."""
BEAT = BEFORE + AFTER
_HALF = 12
_QRS = slice(BEFORE - _HALF, BEFORE + _HALF + 1)
_LAGS = 4
_ALIKE = 0.85
_MOST_FAMILIES = 8
_P = (BEFORE - 32, BEFORE - 7)
_T = (BEFORE + 13, BEFORE + 52)
_TEMPLATE_STEP = 3

FAMILIES = (
    *("qrs.families", "qrs.first_share", "qrs.second_share", "qrs.single_share", "qrs.alike_mean", "qrs.alike_p10"),
    *("qrs.alike_least", "qrs.below_90", "qrs.below_70", "qrs.height_mv", "qrs.height_cv", "qrs.height_p90_p10"),
    *(
        "qrs.width",
        "qrs.other_width",
        "qrs.other_early",
        "qrs.other_pause",
        "qrs.ventricular",
        "qrs.turned",
        "qrs.lag_sd",
    ),
    "qrs.up_share",
)
WAVE = ("height", "share", "coherence", "alike_median", "alike_p25", "at", "at_sd", "sign", "slope", "noise")
WAVES = tuple(f"{wave}.{what}" for wave in "pt" for what in WAVE)
PAIRS = ("beat.coherence", "beat.tp_level", "beat.pr_slope", "p.first", "p.second", "p.energy_ratio")
TEMPLATE = tuple(f"beat.at_{1000 * (place - BEFORE) // STRIP_HZ}ms" for place in range(0, BEAT, _TEMPLATE_STEP))
NAMES = FAMILIES + WAVES + PAIRS + TEMPLATE
_A, _B = len(FAMILIES), len(FAMILIES) + len(WAVES)
_C = _B + len(PAIRS)


@njit(cache=True, nogil=True)
def measure_shapes(ecg, beats, ventricular, out):
    """Fill ``out`` (len(NAMES),) from ``ecg`` (n,) in mV at STRIP_HZ and its beats (K,).

    Returns the usual beat (BEAT,), and where each beat of its kind lies, -1 for the others (K,).
    """
    out[:] = np.nan
    usual, place = np.zeros(BEAT), np.full(len(beats), -1)
    whole = (beats >= BEFORE + _LAGS) & (beats < len(ecg) - AFTER - _LAGS)
    if whole.sum() < 3:
        return usual, place
    family, lag, count = _sort_into_families(ecg, beats, whole)
    first = count.argmax()
    for k in range(len(beats)):
        if family[k] == first:
            place[k] = beats[k] + lag[k]
            usual += ecg[place[k] - BEFORE : place[k] + AFTER]
    usual /= count[first]
    usual -= np.median(usual)
    _families(ecg, beats, ventricular, family, lag, count, usual, out[:_A])
    turned = -1.0 if out[17] > 0 else 1.0
    height = max(out[9], 1e-3)
    own = place[place >= 0]
    for k, (start, stop) in enumerate((_P, _T)):
        _wave(ecg, own, start, stop, turned, height, out[_A + k * len(WAVE) : _A + (k + 1) * len(WAVE)])
    _pairs(ecg, own, usual, turned, height, out[_B:_C])
    for k in range(len(out) - _C):
        out[_C + k] = turned * usual[k * _TEMPLATE_STEP : (k + 1) * _TEMPLATE_STEP].mean() / height
    return usual, place


@njit(cache=True, nogil=True, fastmath=VECTORS)
def _alike(one, shape, norm):
    """Pearson's correlation, where the mean of ``shape`` is 0 and ``norm`` is the sum of its squares."""
    total = product = square = 0.0
    for i in range(len(shape)):
        value = np.float64(one[i])
        total += value
        product += value * shape[i]
        square += value * value
    return product / np.sqrt(max((square - total * total / len(shape)) * norm, 1e-18))


@njit(cache=True, nogil=True)
def _best_lag(ecg, beat, shape):
    best, at, norm = -2.0, 0, (shape * shape).sum()
    for lag in range(-_LAGS, _LAGS + 1):
        like = _alike(ecg[beat + lag - _HALF : beat + lag + _HALF + 1], shape, norm)
        if like > best:
            best, at = like, lag
    return best, at


@njit(cache=True, nogil=True)
def _sort_into_families(ecg, beats, whole):
    """Each beat joins the family whose QRS it is most like, or founds one: family, lag (K,); size (families,)."""
    family, lag = np.full(len(beats), -1), np.zeros(len(beats), np.int64)
    mean, count = np.zeros((_MOST_FAMILIES, 2 * _HALF + 1)), np.zeros(_MOST_FAMILIES, np.int64)
    families = 0
    for k in range(len(beats)):
        if not whole[k]:
            continue
        best, at, of = -2.0, 0, -1
        for f in range(families):
            like, shift = _best_lag(ecg, beats[k], mean[f])
            if like > best:
                best, at, of = like, shift, f
        if best < _ALIKE and families < _MOST_FAMILIES:
            of, at = families, 0
            families += 1
        family[k], lag[k] = of, at
        count[of] += 1
        qrs = ecg[beats[k] + at - _HALF : beats[k] + at + _HALF + 1]
        mean[of] += (qrs - qrs.mean() - mean[of]) / count[of]
    return family, lag, count[:families]


@njit(cache=True, nogil=True)
def _width(qrs):
    """Effective width, area over height, in s."""
    away = np.abs(qrs - np.median(qrs))
    return away.sum() / max(away.max(), 1e-6) / STRIP_HZ


@njit(cache=True, nogil=True)
def _families(ecg, beats, ventricular, family, lag, count, usual, out):
    known = np.flatnonzero(family >= 0)
    first, qrs = count.argmax(), usual[_QRS] - usual[_QRS].mean()
    norm = (qrs * qrs).sum()
    like, height, up = np.empty(len(known)), np.empty(len(known)), 0.0
    others = early = pause = wide = 0.0
    usual_rr = np.median(np.diff(beats))
    for i, k in enumerate(known):
        at = beats[k] + lag[k]
        own = ecg[at - _HALF : at + _HALF + 1]
        top, bottom, ends = own.max(), own.min(), (own[0] + own[1] + own[-2] + own[-1]) / 4
        like[i], height[i] = _alike(own, qrs, norm), top - bottom
        up += top - ends > ends - bottom
        if family[k] != first:
            others += 1
            wide += _width(own)
            early += (beats[k] - beats[k - 1]) / usual_rr if k > 0 else 1.0
            pause += (beats[k + 1] - beats[k]) / usual_rr if k + 1 < len(beats) else 1.0
    ordered, heights, sizes = np.sort(like), np.sort(height), np.sort(count)[::-1]
    out[0], out[1], out[3] = len(count), sizes[0] / len(known), (count == 1).sum() / len(known)
    out[2] = sizes[1] / len(known) if len(sizes) > 1 else 0.0
    out[4], out[5], out[6] = like.mean(), rank(ordered, 0.1), ordered[0]
    out[7], out[8] = (like < 0.9).mean(), (like < 0.7).mean()
    qrs = usual[_QRS]
    out[9], out[10] = qrs.max() - qrs.min(), height.std() / height.mean()
    out[11] = rank(heights, 0.9) / max(rank(heights, 0.1), 1e-3)
    out[12] = _width(qrs)
    if others > 0:
        out[13], out[14], out[15] = wide / others, early / others, pause / others
    out[16] = ventricular.mean()
    out[17] = abs(qrs.min()) > qrs.max()
    out[18], out[19] = lag[known].std(), up / len(known)


@njit(cache=True, nogil=True)
def level_line(values, out):
    """Take the straight line of best fit off ``values`` into ``out``; returns its slope."""
    n = len(values)
    mean, centre = values.mean(), (n - 1) / 2
    product = 0.0
    for i in range(n):
        product += (i - centre) * values[i]
    slope = 12 * product / (n * (n * n - 1.0))
    for i in range(n):
        out[i] = values[i] - mean - slope * (i - centre)
    return slope


@njit(cache=True, nogil=True)
def _wave(ecg, places, start, stop, turned, height, out):
    """A wave between two samples of the usual beats: its mean form, and how much of each beat's own it explains."""
    n, length = len(places), stop - start
    own = np.empty((n, length))
    slope = 0.0
    for k in range(n):
        first = places[k] - BEFORE + start
        slope += level_line(ecg[first : first + length], own[k])
    form = np.zeros(length)
    for k in range(n):
        form += own[k] / n
    energy, norm, like, at = 1e-12, (form * form).sum(), np.empty(n), np.empty(n)
    for k in range(n):
        energy += (own[k] * own[k]).sum()
        like[k] = _alike(own[k], form, norm)
        at[k] = (turned * own[k]).argmax()
    ordered = np.sort(like)
    out[0] = form.max() - form.min()
    out[1] = out[0] / height
    out[2] = n * norm / energy
    out[3], out[4] = rank(ordered, 0.5), rank(ordered, 0.25)
    out[5] = (turned * form).argmax()
    out[6] = at.std()
    out[7] = turned * (form.max() + form.min()) / max(out[0], 1e-6)
    out[8] = turned * slope / n / height
    out[9] = np.sqrt(max(energy / (n * length) - (form * form).mean(), 0.0)) / height


@njit(cache=True, nogil=True)
def _pairs(ecg, places, usual, turned, height, out):
    """How well the usual beat explains each of its kind; levels around the P wave and of its halves."""
    n, level = len(places), usual - usual.mean()
    norm, shared = (level * level).sum(), 0.0
    for k in range(n):
        own = ecg[places[k] - BEFORE : places[k] + AFTER]
        shared += _alike(own, level, norm)
    out[0] = shared / n
    out[1] = turned * (usual[:6].mean() - usual[BEFORE - 9 : BEFORE - 5].mean()) / height
    out[2] = turned * (usual[BEFORE - 6] - usual[BEFORE - 10]) / height
    out[3] = turned * (usual[_P[0] : _P[0] + 12].max() - usual[_P[0] + 12 : _P[1]].mean()) / height
    out[4] = turned * (usual[_P[0] + 12 : _P[1]].max() - usual[_P[0] : _P[0] + 12].mean()) / height
    before, after = usual[_P[0] : _P[1]], usual[_T[0] : _T[1]]
    out[5] = before.std() / max(after.std(), 1e-6)
