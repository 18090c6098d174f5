"""Measures of the spectrum of a wave of 4 s at 125 Hz (Hann window, 0.5 to 20 Hz; Goertzel 1958). Compiled."""

from __future__ import annotations

import numpy as np
from numba import njit

SPECTRAL = ("frequency", "moment", "below_2")
_STEP_HZ, _LINES = 0.5, 40
_HZ = 125 / 2
_LENGTH = 250
_FREQUENCY = _STEP_HZ * np.arange(1, _LINES + 1)
_COEFFICIENT = 2 * np.cos(2 * np.pi * _FREQUENCY / _HZ)
_WINDOW = np.hanning(_LENGTH)


@njit(cache=True, nogil=True)
def _power(wave):
    """Power at every line, (LINES,), of every second sample of the wave."""
    last, before = np.zeros(_LINES), np.zeros(_LINES)
    for i in range(_LENGTH):
        value = _WINDOW[i] * (wave[2 * i] + wave[2 * i + 1])
        for k in range(_LINES):
            now = value + _COEFFICIENT[k] * last[k] - before[k]
            before[k] = last[k]
            last[k] = now
    power = np.empty(_LINES)
    for k in range(_LINES):
        power[k] = last[k] * last[k] + before[k] * before[k] - _COEFFICIENT[k] * last[k] * before[k]
    return power


@njit(cache=True, nogil=True)
def measure_spectrum(wave, out):
    """Frequency of the peak from 1 to 9 Hz, first moment of the amplitudes against it, share of the power below 2 Hz,
    into ``out`` (len(SPECTRAL),)."""
    power = _power(wave)
    power /= max(power.sum(), 1e-12)
    peak = 1 + int(np.argmax(power[1:18]))
    size = np.sqrt(power)
    out[0] = _FREQUENCY[peak]
    out[1] = (size * _FREQUENCY).sum() / max(size.sum() * _FREQUENCY[peak], 1e-9)
    out[2] = power[:3].sum()
