"""QRS shapes of a patient side by side: which one a beat is of, how common that is, and how it differs from the usual.

Leader clustering by correlation, as many beat classifiers do (Moody & Mark 1982; Llamedo & Martínez 2011). Compiled.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from ..conditioning.recent import RECENT
from .state import QRS, QRS_START, SHAPES, STRIDE, USED

NAMES = (
    "like_usual", "like_usual_1", "like_usual_2", "like_own", "own_is_usual", "own_share", "usual_share", "own_early",
    "usual_early", "own_width_to_usual", "like_before", "height_to_usual", "height_to_usual_1", "height_to_usual_2",
    "area_to_usual", "width_s", "width_to_usual", "slope_s", "slope_to_height", "polarity_1", "polarity_2",
    "usual_polarity_1", "usual_polarity_2", "residual", "lag", "leads",
    "like_narrow", "width_to_narrow",
)  # fmt: skip
_LIKE = 0.9
_LAGS = 6
_STEP = 0.08
_FORGET = 0.99
_STEEP = 0.2
_COMMON = 0.1


@njit(cache=True, nogil=True)
def take(ecg, start, stride, out):
    """Points of a lead's ring from grid index ``start`` on, less their mean."""
    total = np.float32(0.0)
    place = start % RECENT
    for i in range(len(out)):
        out[i] = ecg[place]
        total += out[i]
        place += stride
        if place >= RECENT:
            place -= RECENT
    total /= np.float32(len(out))
    for i in range(len(out)):
        out[i] -= total


@njit(cache=True, nogil=True)
def correlation(a, b):
    """Pearson's, of two arrays of mean 0; 0 where one is flat."""
    product = square = norm = np.float32(0.0)
    for i in range(len(a)):
        product += a[i] * b[i]
        square += a[i] * a[i]
        norm += b[i] * b[i]
    return product / np.sqrt(max(square * norm, np.float32(1e-12)))


@njit(cache=True, nogil=True)
def _height(points):
    low = high = points[0]
    for value in points:
        low, high = min(low, value), max(high, value)
    return high - low


@njit(cache=True, nogil=True)
def _likeness(s, ecg, shape, used, at, work):
    """Correlation of the beat at ``at`` with a shape: over the leads used, weighed by the shape's height."""
    total = weight = np.float32(0.0)
    for u in range(USED):
        if used[u] and s.learnt[shape, u]:
            take(ecg[s.lead[u]], at + QRS_START, STRIDE, work)
            height = _height(s.shape[shape, u])
            total += height * correlation(work, s.shape[shape, u])
            weight += height
    return total / weight if weight > 0 else np.float32(-1.0)


@njit(cache=True, nogil=True)
def _align(s, ecg, shape, used, at, work):
    """(likeness, lag) where the beat is most like a shape: every third lag, then those beside the best."""
    best, lag = np.float32(-2.0), 0
    for step in range(-_LAGS, _LAGS + 1, 3):
        like = _likeness(s, ecg, shape, used, at + step, work)
        if like > best:
            best, lag = like, step
    middle = lag
    for step in (middle - 2, middle - 1, middle + 1, middle + 2):
        like = _likeness(s, ecg, shape, used, at + step, work)
        if like > best:
            best, lag = like, step
    return best, lag


@njit(cache=True, nogil=True)
def usual_shape(s):
    """The shape of most beats; -1 before the first."""
    best = -1
    for k in range(SHAPES):
        if s.count[k] > 0 and (best < 0 or s.count[k] > s.count[best]):
            best = k
    return best


@njit(cache=True, nogil=True)
def _narrow_shape(s):
    """The narrowest of the common shapes: in bigeminy the one of most beats may be the ectopic one. -1 without any."""
    best = -1
    for k in range(SHAPES):
        if s.count[k] > _COMMON * s.count.sum() and (best < 0 or s.width[k] < s.width[best]):
            best = k
    return best


@njit(cache=True, nogil=True)
def match(s, ecg, used, at, likes, lags):
    """Likeness and lag of every shape into ``likes`` and ``lags``; the most like, or -1 when none is like enough."""
    work = np.empty(QRS, np.float32)
    own = -1
    for k in range(SHAPES):
        likes[k], lags[k] = -1.0, 0
        if s.count[k] > 0:
            likes[k], lags[k] = _align(s, ecg, k, used, at, work)
            if likes[k] > _LIKE and (own < 0 or likes[k] > likes[own]):
                own = k
    return own


@njit(cache=True, nogil=True)
def take_qrs(s, ecg, used, at, qrs):
    """The beat's points in the leads used, 0 elsewhere, into ``qrs`` (USED, QRS)."""
    for u in range(USED):
        qrs[u] = 0.0
        if used[u]:
            take(ecg[s.lead[u]], at + QRS_START, STRIDE, qrs[u])


@njit(cache=True, nogil=True)
def learn(s, own, used, qrs, early, width):
    """Move the shape the beat is of towards it, or begin one in place of the rarest; which one it is now."""
    begun = own < 0
    if begun:
        own = 0
        for k in range(SHAPES):
            if s.count[k] < s.count[own]:
                own = k
        s.count[own] = 0.0
        s.learnt[own] = 0
    s.count *= np.float32(_FORGET)
    s.count[own] += np.float32(1.0)
    step = np.float32(max(_STEP, 1.0 / s.count[own]))
    for u in range(USED):
        if used[u]:
            share = step if s.learnt[own, u] else np.float32(1.0)
            for i in range(QRS):
                s.shape[own, u, i] += share * (qrs[u, i] - s.shape[own, u, i])
            s.learnt[own, u] = 1
    if begun:
        s.early[own], s.width[own] = early, width
    s.width[own] += step * (width - s.width[own])
    if early == early:
        s.early[own] = s.early[own] + step * (early - s.early[own]) if s.early[own] == s.early[own] else early
    return own


@njit(cache=True, nogil=True)
def steep_width(qrs, used):
    """(seconds from the first to the last steep point of the leads used, steepest slope over height)."""
    slope = np.zeros(QRS - 1, np.float32)
    height = np.float32(1e-6)
    for u in range(USED):
        if used[u]:
            height += _height(qrs[u])
            for i in range(QRS - 1):
                slope[i] += abs(qrs[u, i + 1] - qrs[u, i])
    most = slope.max()
    first, last = -1, -1
    for i in range(QRS - 1):
        if slope[i] > _STEEP * most:
            first = i if first < 0 else first
            last = i
    return (last - first + 1) * STRIDE / 250.0, most / height


@njit(cache=True, nogil=True)
def area_width(qrs, used):
    """Effective width, s: area over height of the leads used together."""
    area = height = np.float32(0.0)
    for u in range(USED):
        if used[u]:
            most = np.float32(0.0)
            for value in qrs[u]:
                area += abs(value)
                most = max(most, abs(value))
            height += most
    return area / max(height, np.float32(1e-6)) * (STRIDE / 250.0)


@njit(cache=True, nogil=True)
def _polarity(points):
    """1 for all up, -1 for all down."""
    low = high = points[0]
    for value in points:
        low, high = min(low, value), max(high, value)
    return (high + low) / max(high - low, np.float32(1e-6))


@njit(cache=True, nogil=True)
def measure_shape(s, own, used, qrs, found, out):
    """``NAMES`` into ``out``, before the beat is learnt. ``found``: likes, lags, area width, steep width, slope."""
    likes, lags, width, steep, slope = found
    usual = usual_shape(s)
    out[15], out[17], out[18] = width, steep, slope
    out[25] = used.sum()
    for u in range(USED):
        if used[u]:
            out[19 + u] = _polarity(qrs[u])
    if usual < 0:
        return
    total = s.count.sum()
    out[0], out[3], out[4] = likes[usual], likes[own] if own >= 0 else likes.max(), own == usual
    out[5], out[6] = s.count[own] / total if own >= 0 else 0.0, s.count[usual] / total
    out[8] = s.early[usual]
    if own >= 0:
        out[7], out[9] = s.early[own], s.width[own] / s.width[usual]
    out[16], out[24] = width / s.width[usual], lags[usual]
    narrow = _narrow_shape(s)
    out[26], out[27] = likes[narrow], width / s.width[narrow]
    _against_usual(s, usual, used, qrs, out)


@njit(cache=True, nogil=True)
def _against_usual(s, usual, used, qrs, out):
    height = usual_height = area = usual_area = rest = size = np.float32(1e-6)
    before = weight = np.float32(0.0)
    for u in range(USED):
        if used[u] and s.learnt[usual, u]:
            shape = s.shape[usual, u]
            here, there = _height(qrs[u]), _height(shape)
            height, usual_height = height + here, usual_height + there
            out[1 + u], out[12 + u] = correlation(qrs[u], shape), here / max(there, np.float32(1e-6))
            out[21 + u] = _polarity(shape)
            for i in range(QRS):
                area, usual_area = area + abs(qrs[u, i]), usual_area + abs(shape[i])
                rest += abs(qrs[u, i] - shape[i])
                size += abs(shape[i])
        if used[u] and s.last_used[u]:
            before += _height(qrs[u]) * correlation(qrs[u], s.last_qrs[u])
            weight += _height(qrs[u])
    out[11], out[14], out[23] = height / usual_height, area / usual_area, rest / size
    if weight > 0:
        out[10] = before / weight
