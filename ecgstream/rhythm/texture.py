"""Measures in time of a wave of 4 s at 125 Hz: how it is spread, how it turns, how it repeats. Compiled."""

from __future__ import annotations

import numpy as np
from numba import njit

TEXTURE = (
    *("kurtosis", "slope_kurtosis", "flat_slopes", "above_fifth", "crossings", "even_height", "phase_space"),
    *("count_mean", "count_near", "entropy", "repeats"),
)
_PARTS, _PART = 4, 125
_GRID = 40
_DELAY = 6
_RADIUS, _TURN = 0.912, 2 * np.pi * 14.6 / 125
_SETTLED = 40
_COARSE = 4
_TOLERANCE = 0.2
_LAGS = (4, 80)
_VECTORS = {"reassoc", "contract"}
"""Sums may be reordered, so that they compile to vector instructions."""


@njit(cache=True, nogil=True)
def measure_texture(wave, out):
    """All measures of ``wave`` (500,), without trend, into ``out`` (len(TEXTURE),)."""
    out[0], spread = _kurtosis(wave)
    slopes = wave[1:] - wave[:-1]
    out[1] = _kurtosis(slopes)[0]
    out[2] = (np.abs(slopes) < 0.1 * np.abs(slopes).max()).mean()
    out[3], out[4], out[5] = _threshold_measures(wave)
    out[6] = _phase_space(wave)
    out[7], out[8] = _band_counts(wave)
    out[9] = _sample_entropy(_coarsened(wave), _TOLERANCE * spread)
    out[10] = _repeats(wave[::2].copy())


@njit(cache=True, nogil=True)
def _kurtosis(values):
    """(kurtosis, standard deviation)."""
    mean = values.mean()
    second = fourth = 0.0
    for value in values:
        square = (value - mean) * (value - mean)
        second += square
        fourth += square * square
    n = len(values)
    spread = max(np.sqrt(second / n), 1e-9)
    return fourth / n / spread**4, spread


@njit(cache=True, nogil=True)
def _threshold_measures(wave):
    """Share of samples above a fifth of each second's height, crossings of it, least against greatest height."""
    above, crossings, least, greatest = 0, 0, np.inf, 0.0
    for p in range(_PARTS):
        part = np.abs(wave[p * _PART : (p + 1) * _PART])
        height = part.max()
        least, greatest = min(least, height), max(greatest, height)
        was = False
        for value in part:
            over = value > 0.2 * height
            above += over
            crossings += over and not was
            was = over
    return above / len(wave), crossings / _PARTS, least / max(greatest, 1e-9)


@njit(cache=True, nogil=True)
def _phase_space(wave):
    """Share of a grid's boxes that the trace of a wave against its delayed self visits."""
    low, high = wave.min(), wave.max()
    scale = (_GRID - 1e-3) / max(high - low, 1e-9)
    visited = np.zeros((_GRID, _GRID), np.uint8)
    count = 0
    for i in range(_DELAY, len(wave)):
        x, y = int((wave[i] - low) * scale), int((wave[i - _DELAY] - low) * scale)
        count += 1 - visited[x, y]
        visited[x, y] = 1
    return count / (_GRID * _GRID)


@njit(cache=True, nogil=True)
def _band_counts(wave):
    """Shares of samples of the 14.6 Hz band above the mean, and near it."""
    size = np.empty(len(wave) - _SETTLED)
    before = last = 0.0
    for i in range(2, len(wave)):
        value = wave[i] - wave[i - 2] + 2 * _RADIUS * np.cos(_TURN) * last - _RADIUS * _RADIUS * before
        before, last = last, value
        if i >= _SETTLED:
            size[i - _SETTLED] = abs(value)
    mean = size.mean()
    apart = np.abs(size - mean).mean()
    return (size > mean).mean(), (np.abs(size - mean) < apart).mean()


@njit(cache=True, nogil=True)
def _coarsened(wave):
    coarse = np.zeros(len(wave) // _COARSE)
    for i in range(len(coarse)):
        coarse[i] = wave[i * _COARSE : (i + 1) * _COARSE].mean()
    return coarse


@njit(cache=True, nogil=True)
def _sample_entropy(values, tolerance):
    """Of pairs of values alike, how few stay alike with the next: -ln of the share."""
    pairs = longer = 1
    for i in range(len(values) - 2):
        for j in range(i + 1, len(values) - 2):
            if abs(values[i] - values[j]) < tolerance and abs(values[i + 1] - values[j + 1]) < tolerance:
                pairs += 1
                longer += abs(values[i + 2] - values[j + 2]) < tolerance
    return -np.log(longer / pairs)


@njit(cache=True, nogil=True, fastmath=_VECTORS)
def _correlation(a, b):
    total = np.float32(0.0)
    for i in range(len(b)):
        total += a[i] * b[i]
    return total


@njit(cache=True, nogil=True)
def _repeats(values):
    """Greatest autocorrelation at up to 1.3 s, once it has been below 0."""
    n = len(values)
    whole = max(_correlation(values, values), 1e-9)
    best, lowest = 0.0, 0.0
    for lag in range(_LAGS[0], _LAGS[1]):
        share = _correlation(values, values[lag:]) * n / (whole * (n - lag))
        lowest = min(lowest, share)
        if lowest < 0.0:
            best = max(best, share)
    return best
