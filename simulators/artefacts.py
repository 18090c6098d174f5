"""What gets into the signal besides the heart. Functions of time, like ``waves``, on the eight measured leads."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ecgstream.waveform import Condition

from .leads import MEASURED
from .waves import Oscillators

_ONES = np.ones(len(MEASURED))

Artefact = Callable[[np.ndarray, np.random.Generator], np.ndarray]
"""Times (samples,) and a generator for what is white to mV (8, samples)."""


def _oscillating(low_hz: float, high_hz: float, count: int, rms_mv: float) -> Callable[[np.random.Generator], Artefact]:
    def make(rng: np.random.Generator) -> Artefact:
        noise = Oscillators(rng, rng.uniform(low_hz, high_hz, count), rms_mv * _ONES)
        return lambda t_s, _: noise(t_s)

    return make


def _muscle(rms_mv: float) -> Callable[[np.random.Generator], Artefact]:
    """Electromyogram: broad, so white noise with the slow part taken off, in bursts of about a second."""

    def make(rng: np.random.Generator) -> Artefact:
        burst = Oscillators(rng, rng.uniform(0.2, 1.0, 4), np.array([0.5]))

        def artefact(t_s: np.ndarray, white: np.random.Generator) -> np.ndarray:
            noise = np.diff(white.standard_normal((len(MEASURED), len(t_s) + 1)), axis=1) / np.sqrt(2)
            return rms_mv * np.clip(1 + burst(t_s), 0.2, 2) * noise

        return artefact

    return make


def _mains(rms_mv: float) -> Callable[[np.random.Generator], Artefact]:
    def make(rng: np.random.Generator) -> Artefact:
        hum = Oscillators(rng, np.array([50.0]), rms_mv * _ONES)
        return lambda t_s, _: hum(t_s)

    return make


ARTEFACTS = {
    "baseline_wander": _oscillating(0.1, 0.45, 6, 0.35),
    "motion": _oscillating(0.5, 9.0, 24, 0.6),
    "muscle": _muscle(0.12),
    "mains": _mains(0.2),
}
"""Overlays one can script. ``lead_off`` is another: there the signal is gone."""

LEAD_OFF = "lead_off"
CONDITIONS = {LEAD_OFF: Condition.LEADS_OFF}
"""Artefacts that are themselves something to alert."""


def ambient(rng: np.random.Generator) -> Artefact:
    """What is always there: breathing, a little hum, and 6 µV of amplifier and skin."""
    breathing = Oscillators(rng, rng.uniform(0.15, 0.4, 3), rng.uniform(0.01, 0.05, len(MEASURED)))
    hum = _mains(0.004)(rng)

    def artefact(t_s: np.ndarray, white: np.random.Generator) -> np.ndarray:
        return breathing(t_s) + hum(t_s, white) + 0.006 * white.standard_normal((len(MEASURED), len(t_s)))

    return artefact
