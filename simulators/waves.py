"""What the heart does between and instead of beats: fibrillation, flutter. Functions of time alone, so that any stretch
of any length can be made on its own and fits its neighbours."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Wave = Callable[[np.ndarray], np.ndarray]
"""Times (samples,) in seconds to a dipole (3, samples) in mV."""


class Oscillators:
    """A sum of sines of random phase: noise that is confined to a band and can be told at any time."""

    def __init__(self, rng: np.random.Generator, frequency_hz: np.ndarray, rms_mv: np.ndarray):
        """``frequency_hz`` (K,); ``rms_mv`` (channels,) is the root mean square of each channel."""
        self._omega = 2 * np.pi * frequency_hz
        self._phase = rng.uniform(0, 2 * np.pi, len(frequency_hz))
        weight = rng.standard_normal((len(rms_mv), len(frequency_hz)))
        weight /= np.linalg.norm(weight, axis=1, keepdims=True)
        self._weight_mv = weight * (np.sqrt(2) * rms_mv)[:, None]

    def __call__(self, t_s: np.ndarray) -> np.ndarray:
        """Value (channels, samples) at ``t_s`` (samples,), mV."""
        return self._weight_mv @ np.sin(self._omega[:, None] * t_s + self._phase[:, None])


def ventricular_fibrillation(rng: np.random.Generator) -> Wave:
    """Coarse fibrillation: 3 to 7 Hz, dominant near 5, amplitude waxing and waning over seconds."""
    frequency_hz = np.clip(rng.normal(rng.uniform(4.6, 5.4), 0.8, 20), 3.0, 7.0)
    chaos = Oscillators(rng, frequency_hz, np.array([0.28, 0.24, 0.24]))
    swell = Oscillators(rng, rng.uniform(0.1, 0.35, 4), np.array([0.2]))

    def wave(t_s: np.ndarray) -> np.ndarray:
        return chaos(t_s) * np.clip(1 + swell(t_s), 0.5, 1.6)

    return wave


def fibrillatory_waves(rng: np.random.Generator) -> Wave:
    """Atrial fibrillation between beats: 4 to 9 Hz, small, best seen in V1 (to the front)."""
    return Oscillators(rng, np.clip(rng.normal(6.2, 0.7, 12), 4.0, 9.0), np.array([0.012, 0.025, 0.035]))


def flutter_waves(rng: np.random.Generator) -> Wave:
    """Typical atrial flutter: 300 per minute, a saw tooth that points up (negative) in II, III and aVF."""
    phase = rng.uniform(0, 1)
    direction_mv = np.array([[0.0], [-0.11], [-0.05]])

    def wave(t_s: np.ndarray) -> np.ndarray:
        angle = 2 * np.pi * (5.0 * t_s + phase)
        return direction_mv * sum(np.sin(k * angle) / k for k in (1, 2, 3))

    return wave


WAVES: dict[str, Callable[[np.random.Generator], Wave]] = {
    "ventricular_fibrillation": ventricular_fibrillation,
    "atrial_fibrillation": fibrillatory_waves,
    "atrial_flutter": flutter_waves,
}
"""Rhythms that have such waves."""
