"""Whether a stretch of PLETH or ABP ends with the heart at work. Pure arrays."""

from __future__ import annotations

import numpy as np

from .pulses import Pulses

LEAST_PULSES = 4
_LEAST_SHARE, _LEAST_AGREEMENT = 0.7, 0.9
"""Of all pulses that can be believed, and the median likeness of all to their usual shape: noise has less."""
_AGE_INTERVALS, _AGE_S = 2.0, (1.2, 2.5)
"""The newest pulse may be as old as two of the usual intervals, within these limits."""
_SHORTEST_S = 0.25
"""No heart pumps more often; a converter that dithers between two values does."""
_LEAST_STEPS = 4
"""Steps of the converter that the usual pulse is high."""
_RECENT = 2
"""Pulses that must still be of the usual height."""
_LEAST_HEIGHT = 0.5
_LEAST_PRESSURE = 0.6


def shows_pulse(pulses: Pulses, is_pressure: bool) -> bool:
    """Whether pulses go on to the end of the stretch, most believable and alike, the last neither below half the
    usual height nor, in pressure, after a fall below 0.6 of the highest mean. In doubt no: an alarm hangs on it."""
    good = np.flatnonzero(pulses.good)
    if len(good) < LEAST_PULSES or pulses.quality < _LEAST_SHARE or np.median(pulses.agreement) < _LEAST_AGREEMENT:
        return False
    time_s, height, mean = pulses.time_s[good], pulses.height[good], pulses.mean[good]
    usual_s = float(np.median(np.diff(time_s)))
    if usual_s < _SHORTEST_S or np.median(height) < _LEAST_STEPS * _step(pulses.wave):
        return False
    oldest_s = min(max(_AGE_INTERVALS * usual_s, _AGE_S[0]), _AGE_S[1])
    if len(pulses.wave) / pulses.fs_hz - time_s[-1] > oldest_s:
        return False
    if height[-_RECENT:].min() < _LEAST_HEIGHT * np.median(height):
        return False
    return not is_pressure or bool(mean[-_RECENT:].min() >= _LEAST_PRESSURE * mean.max())


def _step(wave: np.ndarray) -> float:
    """The least difference between two values of a wave: one step of its converter, or less."""
    values = np.unique(wave[np.isfinite(wave)])
    return float(np.diff(values).min()) if len(values) > 1 else 0.0
