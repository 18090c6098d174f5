"""Onsets of pulses in whole stretches of 10 s and more. Pure arrays; the filters look both ways inside the stretch."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import uniform_filter1d
from scipy.signal import butter, find_peaks, sosfiltfilt

_PRESSURE_HZ = 16.0
_SLOPE_S = 0.128
_APART_S = 0.25
_SHARE = 0.35
_FALL_S = 2.5
_LONGEST_S = 2.0
"""Most stretches of this length hold a pulse: the highest slopes in them tell where to begin."""
_PLETH_HZ = (0.5, 8.0)
_PEAK_S, _BEAT_S, _OFFSET = 0.09, 0.45, 0.02
_BACK_S = 0.35


def pressure_onsets(wave: np.ndarray, fs_hz: float) -> np.ndarray:
    """Samples int64 (K,) at which arterial pulses begin (Zong et al. 2003: the slope sum function).

    The threshold follows the recent heights, and falls when none has come for long, so that a weak pulse after strong
    ones is seen.
    """
    smooth = sosfiltfilt(butter(2, _PRESSURE_HZ, fs=fs_hz, output="sos"), wave)
    rises = np.maximum(np.diff(smooth, prepend=smooth[0]), 0.0)
    width = max(1, round(_SLOPE_S * fs_hz))
    slopes = np.convolve(rises, np.ones(width))[: len(wave)]
    peaks, _ = find_peaks(slopes, distance=max(1, round(_APART_S * fs_hz)))
    tops = peaks[_stand_out(slopes[peaks], peaks / fs_hz)]
    return _feet(smooth, tops - width // 2, fs_hz)


def pleth_onsets(wave: np.ndarray, fs_hz: float) -> np.ndarray:
    """Samples int64 (K,) at which pleth pulses begin: feet of the systolic peaks of Elgendi et al. 2013 (two moving
    averages of the squared wave; the wave is first brought to an even size, so that motion does not hide what follows).
    """
    band = sosfiltfilt(butter(2, _PLETH_HZ, btype="bandpass", fs=fs_hz, output="sos"), wave)
    size = np.sqrt(np.maximum(uniform_filter1d(band**2, round(2 * fs_hz) | 1), 0.0))
    even = band / np.maximum(size, max(0.1 * np.median(size), 1e-12))
    squared = np.maximum(even, 0.0) ** 2
    peak = uniform_filter1d(squared, round(_PEAK_S * fs_hz) | 1)
    beat = uniform_filter1d(squared, round(_BEAT_S * fs_hz) | 1)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], peak > beat + _OFFSET * squared.mean(), [0]])))
    blocks = [(a, b) for a, b in edges.reshape(-1, 2).tolist() if b - a >= _PEAK_S * fs_hz]
    tops = np.array([a + int(np.argmax(band[a:b])) for a, b in blocks], np.int64)
    return _feet(band, tops, fs_hz)


def _stand_out(height: np.ndarray, time_s: np.ndarray) -> np.ndarray:
    """Which slopes are pulses: bool, by a threshold that follows them."""
    is_pulse = np.zeros(len(height), bool)
    if not len(height):
        return is_pulse
    stretch = (time_s / _LONGEST_S).astype(int)
    highest = [height[stretch == one].max() for one in np.unique(stretch)]
    usual, last_s = float(np.median(highest)), float(time_s[0])
    for i, (one, at_s) in enumerate(zip(height.tolist(), time_s.tolist(), strict=True)):
        overdue = min(max((at_s - last_s - 1.0) / _FALL_S, 0.0), 1.0)
        if one > _SHARE * (1.0 - 0.5 * overdue) * usual:
            is_pulse[i] = True
            usual += 0.25 * (min(one, 2.0 * usual) - usual)
            last_s = at_s
    return is_pulse


def _feet(wave: np.ndarray, tops: np.ndarray, fs_hz: float) -> np.ndarray:
    """The lowest sample in the third of a second before each; each foot once."""
    back = round(_BACK_S * fs_hz)
    feet = [max(0, top - back) + int(np.argmin(wave[max(0, top - back) : top + 1])) for top in tops.tolist() if top > 0]
    return np.unique(np.array(feet, np.int64))
