"""What a strip holds beside its beats: fibrillatory waves by their spectrum, noise by scale, quality. Compiled."""

from __future__ import annotations

import numpy as np
from numba import njit

from .intervals import VECTORS, moments, rank
from .shapes import AFTER, BEFORE, STRIP_HZ

_SLOW = 4
"""Samples averaged to one of the slow residue (31.25 Hz)."""
_SLOW_HZ = STRIP_HZ / _SLOW
_SEGMENT, _STEP = 128, 64
_BINS = 28
_FIRST_BIN = 4
_BANDS_HZ = ((1.0, 2.5), (2.5, 4.0), (4.0, 5.5), (5.5, 7.0), (7.0, 9.0), (9.0, 14.5))
_F_BAND_HZ = (3.8, 9.5)
_BLANK = 8
_SCALES = 6
_SPARSE = 8

SPECTRUM = (
    *(f"f.band_{low:g}hz" for low, _ in _BANDS_HZ),
    *("f.peak_hz", "f.peak_share", "f.entropy", "f.power", "f.power_share", "f.residue", "f.residue_share"),
)
NOISE = (
    *(f"noise.scale_{2**k}" for k in range(_SCALES)),
    *("noise.rms", "noise.skew", "noise.kurtosis", "noise.residue_kurtosis", "noise.quiet", "noise.quiet_share"),
    *("noise.range_median", "noise.range_cv", "noise.range_most", "noise.range_least", "noise.wander"),
)
QUALITY = (
    *("quality.length_s", "quality.unusable", "quality.mean", "quality.least", "quality.p10", "quality.below_50"),
    *("quality.longest_gap_s", "quality.first_beat_s", "quality.unseen_s", "quality.beats_per_s"),
)
NAMES = SPECTRUM + NOISE + QUALITY
_A, _B = len(SPECTRUM), len(SPECTRUM) + len(NOISE)
_HZ = (_FIRST_BIN + 2 * np.arange(_BINS)) * _SLOW_HZ / _SEGMENT
_WINDOW = np.hanning(_SEGMENT)
_TURN = 2 * np.pi * _HZ[:, None] / _SLOW_HZ * np.arange(_SEGMENT)
_COSINE, _SINE = np.cos(_TURN) * _WINDOW, np.sin(_TURN) * _WINDOW
_BIN_BAND = np.searchsorted([low for low, _ in _BANDS_HZ], _HZ, "right") - 1
_F_BINS = np.flatnonzero(abs(_HZ - np.mean(_F_BAND_HZ)) <= np.ptp(_F_BAND_HZ) / 2)


@njit(cache=True, nogil=True)
def measure_remains(ecg, beats, usual, place, quality, usable, out):
    """Fill ``out`` (len(NAMES),) from ``ecg`` (n,) in mV, its beats, what ``measure_shapes`` gave of them, and
    ``quality`` and ``usable`` by hop."""
    out[:] = np.nan
    height = max(usual.max() - usual.min(), 1e-3)
    residue = _residue(ecg, beats, usual, place)
    if len(ecg) >= _SEGMENT * _SLOW:
        _spectrum(residue, height, out[:_A])
    _noise(ecg, residue, height, out[_A:_B])
    _quality(len(ecg), beats, quality, usable, out[_B:])


@njit(cache=True, nogil=True)
def _residue(ecg, beats, usual, place):
    """The strip with the usual beat taken off where it fits, and a straight line across every QRS."""
    residue = ecg.astype(np.float64)
    for k in range(len(beats)):
        at = place[k] if place[k] >= 0 else beats[k]
        if place[k] >= 0:
            stop = min(AFTER, (beats[k + 1] - BEFORE if k + 1 < len(beats) else len(ecg)) - at)
            start = BEFORE if k == 0 else min(BEFORE, at - beats[k - 1] - _BLANK)
            residue[at - start : at + stop] -= usual[BEFORE - start : BEFORE + stop]
        low, high = max(at - _BLANK, 0), min(at + _BLANK, len(ecg) - 1)
        first, last = residue[low], residue[high]
        for i in range(low, high):
            residue[i] = first + (last - first) * (i - low) / (high - low)
    return residue


@njit(cache=True, nogil=True)
def _spectrum(residue, height, out):
    """Power by frequency (averaged Hann segments, Welch 1967) in bands, and how much of it stands around one peak."""
    n = len(residue) // _SLOW
    slow = np.empty(n)
    for i in range(n):
        slow[i] = residue[_SLOW * i : _SLOW * (i + 1)].sum() / _SLOW
    power, count = np.zeros(_BINS), 0
    for start in range(0, n - _SEGMENT + 1, _STEP):
        part = slow[start : start + _SEGMENT]
        part = part - part.mean()
        for b in range(_BINS):
            power[b] += _dot(part, _COSINE[b]) ** 2 + _dot(part, _SINE[b]) ** 2
        count += 1
    power /= max(count, 1)
    _describe_spectrum(power, out)
    size = np.sqrt((slow * slow).mean())
    out[9] = np.log(power[_F_BINS].sum() + 1e-9)
    out[10] = out[9] - 2 * np.log(height)
    out[11], out[12] = size, size / height


@njit(cache=True, nogil=True, fastmath=VECTORS)
def _dot(one, other):
    total = 0.0
    for i in range(len(one)):
        total += one[i] * other[i]
    return total


@njit(cache=True, nogil=True)
def _describe_spectrum(power, out):
    total = power.sum() + 1e-12
    out[: len(_BANDS_HZ)] = 0.0
    for b in range(_BINS):
        if _BIN_BAND[b] >= 0:
            out[_BIN_BAND[b]] += power[b] / total
    band = power[_F_BINS]
    peak = _F_BINS[band.argmax()]
    out[6] = _HZ[peak]
    out[7] = power[peak - 1 : peak + 2].sum() / (band.sum() + 1e-12)
    bits = 0.0
    for value in band / (band.sum() + 1e-12):
        bits -= value * np.log(value + 1e-12)
    out[8] = bits / np.log(len(band))


@njit(cache=True, nogil=True, fastmath=VECTORS)
def _noise(ecg, residue, height, out):
    smooth, total = ecg.astype(np.float64), 1e-12
    for k in range(_SCALES):  # Haar wavelets: differences of neighbouring means, scale by scale
        n = len(smooth) // 2
        fine, coarse = 0.0, np.empty(n)
        for i in range(n):
            fine += (smooth[2 * i] - smooth[2 * i + 1]) ** 2 / 2
            coarse[i] = (smooth[2 * i] + smooth[2 * i + 1]) / np.sqrt(2.0)
        out[k], smooth = fine, coarse
        total += fine
    out[:_SCALES] = np.log(out[:_SCALES] / total + 1e-9)
    _, out[6], out[7], out[8] = moments(ecg)
    out[9] = moments(residue)[3]
    quiet = np.sort(np.abs(residue[2::_SPARSE] - 2 * residue[1:-1:_SPARSE] + residue[:-2:_SPARSE]))
    out[10], out[11] = rank(quiet, 0.5), rank(quiet, 0.5) / height
    seconds = len(ecg) // STRIP_HZ
    if seconds > 1:
        span, mean = np.empty(seconds), np.empty(seconds)
        for i in range(seconds):
            part = ecg[i * STRIP_HZ : (i + 1) * STRIP_HZ]
            span[i], mean[i] = part.max() - part.min(), part.mean()
        middle = max(np.median(span), 1e-3)
        out[12], out[13], out[14], out[15] = middle, span.std() / middle, span.max() / middle, span.min() / middle
        out[16] = mean.std() / height


@njit(cache=True, nogil=True)
def _quality(n, beats, quality, usable, out):
    ordered = np.sort(quality)
    out[0], out[1] = n / STRIP_HZ, 1 - usable.mean()
    out[2], out[3], out[4], out[5] = ordered.mean(), ordered[0], rank(ordered, 0.1), (ordered < 0.5).mean()
    gap, end = 0, 0
    for beat in beats:
        gap, end = max(gap, beat - end), beat
    out[6], out[8] = max(gap, n - end) / STRIP_HZ, (n - end) / STRIP_HZ
    out[7] = beats[0] / STRIP_HZ if len(beats) else np.nan
    out[9] = len(beats) * STRIP_HZ / n
