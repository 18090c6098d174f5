"""Coefficients of the resampler and the filters, and the delay they add. Computed once per rate, outside hot paths."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np
from scipy import signal

from ..waveform import GRID_HZ, history_samples

BASELINE_HZ = 0.25
LOWPASS_HZ = 40.0
LOWPASS_ORDER = 4
NOTCH_WIDTH_HZ = 5.0
QRS_BAND_HZ = (5.0, 15.0)

PASS_HZ = 45.0
"""The resampler is flat up to here; whatever folds onto the grid below here is suppressed."""
STOP_DB = 70.0
MOST_PHASES = 1024


@dataclass(frozen=True, slots=True)
class Resampler:
    """Grid sample g of a segment is ``weights[phase] . native[newest - taps + 1 : newest + 1]`` with
    ``newest, rest = divmod(g * up, down)`` and ``phase`` the nearest to ``rest / down * (len(weights) - 1)``."""

    up: int
    down: int
    weights: np.ndarray  # float64 (phases + 1, taps), oldest sample first; each phase sums to 1
    delay_samples: float  # grid samples

    @property
    def taps(self) -> int:
        return self.weights.shape[1]


@lru_cache(maxsize=64)
def design_resampler(fs_hz: Fraction) -> Resampler:
    """Causal windowed-sinc interpolator from ``fs_hz`` to the grid; the identity at the grid's own rate.

    Kaiser window by the usual design formulas (Kaiser 1974; ``scipy.signal.kaiserord``). Raises ValueError for a rate
    outside 50 to 2000 Hz, or one that is no ratio of reasonable integers.
    """
    if not 50 <= fs_hz <= 2000 or fs_hz.denominator > 10**5:
        raise ValueError(
            f"A sampling frequency must be a ratio of integers between 50 and 2000 Hz with a denominator of at most"
            f" 100000; this one is {fs_hz} Hz. State the monitor's nominal rate."
        )
    ratio = fs_hz / GRID_HZ
    if ratio == 1:
        return Resampler(1, 1, np.ones((2, 1)), 0.0)
    cutoff_hz = min(GRID_HZ, float(fs_hz)) / 2
    width = max(2 * (cutoff_hz - PASS_HZ), 0.4 * float(fs_hz)) / (float(fs_hz) / 2)
    if fs_hz > GRID_HZ:
        width = 2 * (cutoff_hz - PASS_HZ) / (float(fs_hz) / 2)
    half = min((signal.kaiserord(STOP_DB, width)[0] + 1) // 2, history_samples(fs_hz) // 2)
    beta = signal.kaiser_beta(min(STOP_DB, signal.kaiser_atten(2 * half, width)))
    phases = min(ratio.denominator, MOST_PHASES)
    weights = _windowed_sinc(phases, half, beta, 2 * cutoff_hz / float(fs_hz))
    return Resampler(ratio.numerator, ratio.denominator, weights, half / float(ratio))


def _windowed_sinc(phases: int, half: int, beta: float, bandwidth: float) -> np.ndarray:
    """float64 (phases + 1, 2 * half): weights 0 to 1 sample past the newest.

    ``bandwidth`` is the cutoff as a fraction of the native Nyquist frequency.
    """
    age = np.arange(2 * half)[::-1] + (np.arange(phases + 1) / phases)[:, None]  # native samples before the grid sample
    distance = age - half
    window = np.i0(beta * np.sqrt(np.clip(1 - (distance / half) ** 2, 0, None)))
    weights = window * np.sinc(bandwidth * distance)
    return np.ascontiguousarray(weights / weights.sum(1, keepdims=True))


@dataclass(frozen=True, slots=True)
class Filters:
    """One-pole baseline tracker (its output is taken off), then second-order sections: notch, low-pass, low-pass."""

    baseline_step: float
    sections: np.ndarray  # float64 (3, 5): b0, b1, b2, a1, a2
    delay_samples: float  # mean group delay over QRS_BAND_HZ


@lru_cache(maxsize=4)
def design_filters(mains_hz: int) -> Filters:
    """Filters on the grid; ``mains_hz`` 0 leaves the notch out."""
    step = 1 - np.exp(-2 * np.pi * BASELINE_HZ / GRID_HZ)
    notch = signal.iirnotch(mains_hz, mains_hz / NOTCH_WIDTH_HZ, fs=GRID_HZ) if mains_hz else ([1, 0, 0], [1, 0, 0])
    lowpass = signal.butter(LOWPASS_ORDER, LOWPASS_HZ, fs=GRID_HZ, output="sos")
    sos = np.vstack([np.concatenate(notch), lowpass])
    band_hz = np.linspace(*QRS_BAND_HZ, 21)
    # The baseline tracker bends the trace behind a complex but does not shift the complex: no part of the delay.
    delays = [signal.group_delay((section[:3], section[3:]), w=band_hz, fs=GRID_HZ)[1] for section in sos]
    return Filters(float(step), np.ascontiguousarray(sos[:, [0, 1, 2, 4, 5]]), float(np.sum(delays, 0).mean()))
