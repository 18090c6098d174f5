"""What a strip's RR intervals say: rate, spread, entropy, the shape of the Lorenz plot. Compiled."""

from __future__ import annotations

import numpy as np
from numba import njit

from . import ectopy
from .ectopy import measure_ectopy

VECTORS = {"reassoc", "contract"}
"""Sums may be reordered, so that they compile to vector instructions."""
_LEAST = 4
"""Intervals below which nothing is said of them."""
_CELL_S = 0.025
_DEAD_S = 0.08
_SPAN_CELLS = 24
_MATCH_BINS = 120
_MATCH_BIN_S = 0.005
_HISTOGRAM = (0.0, 0.55, 0.7, 0.8, 0.87, 0.93, 0.98, 1.02, 1.07, 1.13, 1.2, 1.35, 1.6, 1.9, 2.1, 9.0)

SPREAD = (
    *("rr.count", "rr.mean", "rr.median", "rr.least", "rr.most", "rr.sd", "rr.cv", "rr.mad"),
    *("rr.p10", "rr.p25", "rr.p75", "rr.p90", "rr.skew", "rr.kurtosis"),
)
CHANGE = (
    *("rr.rmssd", "rr.rmssd_share", "rr.change_median", "rr.change_p75", "rr.change_p90", "rr.change_kurtosis"),
    *(
        "rr.pnn20",
        "rr.pnn50",
        "rr.pnn100",
        "rr.pnn_5pct",
        "rr.pnn_15pct",
        "rr.turning",
        "rr.sd1",
        "rr.sd2",
        "rr.sd_ratio",
    ),
    *("rr.lag1", "rr.lag2", "rr.lag3", "rr.second_change", "rr.regular_run", "rr.half_ratio"),
)
ENTROPY = (
    *("entropy.m1_30ms", "entropy.m1_60ms", "entropy.m1_100ms", "entropy.coefficient", "entropy.match_s"),
    *("entropy.shannon", "entropy.symbols", "entropy.change_shannon"),
)
LORENZ = (
    *("lorenz.origin", "lorenz.cells", "lorenz.repeats", "lorenz.anisotropy", "lorenz.premature", "lorenz.evidence"),
    *("lorenz.right", "lorenz.left", "lorenz.up", "lorenz.down", "lorenz.falling", "lorenz.rising", "lorenz.stepping"),
)
HISTOGRAM = tuple(f"rr.ratio_{low:g}" for low in _HISTOGRAM[:-1])
NAMES = SPREAD + CHANGE + ENTROPY + LORENZ + ectopy.NAMES + HISTOGRAM
_A, _B = len(SPREAD), len(SPREAD) + len(CHANGE)
_C, _D = _B + len(ENTROPY), _B + len(ENTROPY) + len(LORENZ)
_E = _D + len(ectopy.NAMES)
_EDGES = np.array(_HISTOGRAM)


@njit(cache=True, nogil=True)
def measure_intervals(rr, out):
    """Fill ``out`` (len(NAMES),) from intervals in s (K,); NaN where too few are known."""
    out[:] = np.nan
    out[0] = len(rr)
    if len(rr) < _LEAST:
        return
    _spread(rr, out[:_A])
    change = np.diff(rr)
    _change(rr, change, out[_A:_B])
    _entropy(rr, change, out[_B:_C])
    _lorenz(change, out[_C:_D])
    measure_ectopy(rr, out[_D:_E])
    median, share = out[2], 1.0 / len(rr)
    out[_E:] = 0.0
    for value in rr:
        out[_E + np.searchsorted(_EDGES, min(value / median, 8.9), "right") - 1] += share


@njit(cache=True, nogil=True)
def rank(ordered, share):
    """The value below which ``share`` of the sorted values lie."""
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


@njit(cache=True, nogil=True, fastmath=VECTORS)
def moments(values):
    """(mean, standard deviation, skewness, excess kurtosis)."""
    mean = values.mean()
    two = three = four = 0.0
    for value in values:
        away = value - mean
        square = away * away
        two += square
        three += square * away
        four += square * square
    two, three, four = two / len(values), three / len(values), four / len(values)
    if two < 1e-12:
        return mean, 0.0, 0.0, 0.0
    return mean, np.sqrt(two), three / two**1.5, four / (two * two) - 3.0


@njit(cache=True, nogil=True)
def _spread(rr, out):
    ordered = np.sort(rr)
    mean, sd, skew, kurtosis = moments(rr)
    median = rank(ordered, 0.5)
    out[0], out[1], out[2], out[3], out[4] = len(rr), mean, median, ordered[0], ordered[-1]
    out[5], out[6], out[7] = sd, sd / mean, np.median(np.abs(rr - median))
    out[8], out[9], out[10], out[11] = rank(ordered, 0.1), rank(ordered, 0.25), rank(ordered, 0.75), rank(ordered, 0.9)
    out[12], out[13] = skew, kurtosis


@njit(cache=True, nogil=True)
def _correlation(rr, lag):
    mean = rr.mean()
    product = square = 1e-12
    for i in range(len(rr)):
        square += (rr[i] - mean) ** 2
        if i >= lag:
            product += (rr[i] - mean) * (rr[i - lag] - mean)
    return product / square


@njit(cache=True, nogil=True)
def _change(rr, change, out):
    size = np.sort(np.abs(change))
    mean = rr.mean()
    out[0] = np.sqrt((change * change).mean())
    out[1] = out[0] / mean
    out[2], out[3], out[4] = rank(size, 0.5) / mean, rank(size, 0.75) / mean, rank(size, 0.9) / mean
    out[5] = moments(change)[3]
    for k, limit in enumerate((0.02, 0.05, 0.1, 0.05 * mean, 0.15 * mean)):
        out[6 + k] = (size > limit).mean()
    turns = 0
    for i in range(1, len(change)):
        turns += change[i - 1] * change[i] < 0
    out[11] = turns / (len(change) - 1)
    out[12] = change.std() / np.sqrt(2.0)
    out[13] = np.sqrt(max(2 * rr.var() - out[12] ** 2, 0.0))
    out[14] = out[12] / max(out[13], 1e-3)
    out[15], out[16], out[17] = _correlation(rr, 1), _correlation(rr, 2), _correlation(rr, 3)
    out[18] = np.abs(np.diff(change)).mean() / mean
    run = longest = 0
    for value in change:
        run = run + 1 if abs(value) < 0.06 * mean else 0
        longest = max(longest, run)
    out[19] = longest / len(change)
    half = len(rr) // 2
    out[20] = rr[:half].mean() / rr[half:].mean()


@njit(cache=True, nogil=True)
def _entropy(rr, change, out):
    """Sample entropy of length 1 at fixed and at least widths, and its coefficient (Lake & Moorman 2011)."""
    one, two = np.zeros(_MATCH_BINS), np.zeros(_MATCH_BINS)
    for i in range(len(rr) - 1):
        for j in range(i):
            near = abs(rr[i] - rr[j])
            both = max(near, abs(rr[i + 1] - rr[j + 1]))
            one[min(int(near / _MATCH_BIN_S), _MATCH_BINS - 1)] += 1
            two[min(int(both / _MATCH_BIN_S), _MATCH_BINS - 1)] += 1
    one, two = np.cumsum(one), np.cumsum(two)
    for k, width in enumerate((6, 12, 20)):
        out[k] = -np.log((two[width - 1] + 0.5) / (one[width - 1] + 0.5))
    enough = 5
    while enough < _MATCH_BINS - 1 and two[enough] < max(5.0, 0.02 * two[-1]):
        enough += 1
    width_s = (enough + 1) * _MATCH_BIN_S
    out[3] = -np.log((two[enough] + 0.5) / (one[enough] + 0.5)) + np.log(2 * width_s) - np.log(rr.mean())
    out[4] = width_s
    out[5] = _shannon(rr / rr.mean(), 0.4, 0.05, 32)
    out[6] = _words(rr)
    out[7] = _shannon(change / rr.mean(), -0.8, 0.05, 32)


@njit(cache=True, nogil=True)
def _shannon(values, low, step, bins):
    counts = np.zeros(bins)
    for value in values:
        counts[min(max(int((value - low) / step), 0), bins - 1)] += 1
    return _bits(counts, len(values)) / np.log(len(values))


@njit(cache=True, nogil=True)
def _bits(counts, total):
    bits = 0.0
    for count in counts:
        if count > 0:
            bits -= count / total * np.log(count / total)
    return bits


@njit(cache=True, nogil=True)
def _words(rr):
    """Shannon entropy of words of two symbols of relative length (after Zhou et al. 2014)."""
    mean = rr.mean()
    counts = np.zeros(64)
    before = 0
    for i in range(len(rr)):
        symbol = min(max(int((rr[i] / mean - 0.6) / 0.1), 0), 7)
        if i > 0:
            counts[8 * before + symbol] += 1
        before = symbol
    return _bits(counts, len(rr) - 1) / np.log(len(rr))


@njit(cache=True, nogil=True)
def _lorenz(change, out):
    """The plot of successive changes by direction, after Sarkar, Ritscher & Mehra 2008."""
    seen = np.zeros((2 * _SPAN_CELLS + 1, 2 * _SPAN_CELLS + 1), np.uint8)
    points, cells = np.zeros(13), np.zeros(13)
    stepping = 0.0
    n = len(change) - 1
    for i in range(n):
        x, y = change[i], change[i + 1]
        part = _part(x, y)
        points[part] += 1
        a = min(max(int(round(x / _CELL_S)), -_SPAN_CELLS), _SPAN_CELLS) + _SPAN_CELLS
        b = min(max(int(round(y / _CELL_S)), -_SPAN_CELLS), _SPAN_CELLS) + _SPAN_CELLS
        cells[part] += seen[a, b] == 0
        seen[a, b] = 1
        stepping += np.sqrt(x * x + y * y)
    repeats = points - cells
    premature = repeats[1:5].sum() + repeats[5] + repeats[6] + repeats[10] - repeats[7] - repeats[8] - repeats[12]
    out[0], out[1], out[2] = points[0] / n, cells[1:].sum() / n, repeats[5:].sum() / n
    out[3] = abs(points[9] + points[11] - points[10] - points[12]) + abs(points[6] + points[7] - points[5] - points[8])
    out[3] /= n
    out[4] = premature / n
    out[5] = out[1] - out[0] - 2 * out[4]
    for k in range(4):
        out[6 + k] = points[1 + k] / n
    out[10], out[11] = (points[5] + points[6]) / n, (points[7] + points[8]) / n
    out[12] = stepping / n


@njit(cache=True, nogil=True)
def _part(x, y):
    """0 the origin, 1 to 4 the axes, 5 to 8 the diagonals (5, 6 falling), 9 to 12 the quadrants."""
    if abs(x) <= _DEAD_S and abs(y) <= _DEAD_S:
        return 0
    if abs(y) <= _DEAD_S:
        return 1 if x > 0 else 2
    if abs(x) <= _DEAD_S:
        return 3 if y > 0 else 4
    if abs(x + y) <= _DEAD_S:
        return 5 if x < 0 else 6
    if abs(x - y) <= _DEAD_S:
        return 7 if x < 0 else 8
    if x > 0:
        return 9 if y > 0 else 10
    return 11 if y < 0 else 12
