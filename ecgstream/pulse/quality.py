"""Whether a pulse can be believed: limits of what a body does, and likeness to the other pulses."""

from __future__ import annotations

import numpy as np

LEAST_AGREEMENT = {"pleth": 0.75, "pressure": 0.7}
_SHAPE_S = (0.1, 0.5)
_MIN_MMHG, _MAX_MMHG = 20.0, 300.0
_MEAN_MMHG = (30.0, 200.0)
_LEAST_PULSE_MMHG = 8.0


def template_agreement(wave: np.ndarray, onset: np.ndarray, fs_hz: float) -> np.ndarray:
    """float64 (K,): correlation of each pulse, from 0.1 s before its onset to 0.5 s after, with the median of all
    (Orphanidou et al. 2015)."""
    before, after = (round(part * fs_hz) for part in _SHAPE_S)
    padded = np.pad(wave, (before, after), mode="edge")
    shapes = np.stack([padded[at : at + before + after] for at in onset.tolist()])
    shapes = shapes - shapes.mean(1, keepdims=True)
    shapes /= np.maximum(np.linalg.norm(shapes, axis=1, keepdims=True), 1e-12)
    usual = np.median(shapes, axis=0)
    return shapes @ (usual / max(float(np.linalg.norm(usual)), 1e-12))


def believable_pressure(foot: np.ndarray, height: np.ndarray, mean: np.ndarray, agreement: np.ndarray) -> np.ndarray:
    """bool (K,): pressures (mmHg) that a body can have (limits of Sun et al. 2005, but a lower least pulse, as pulses
    weaken in what alarms tell of), and a shape like the others'."""
    inside = (foot >= _MIN_MMHG) & (foot + height <= _MAX_MMHG) & (mean >= _MEAN_MMHG[0]) & (mean <= _MEAN_MMHG[1])
    return inside & (height >= _LEAST_PULSE_MMHG) & (agreement >= LEAST_AGREEMENT["pressure"])


def believable_pleth(foot: np.ndarray, height: np.ndarray, mean: np.ndarray, agreement: np.ndarray) -> np.ndarray:
    """bool (K,): a shape like the others', and neither a tenth nor ten times as high as they are; pleth has no unit."""
    usual = np.median(height)
    return (agreement >= LEAST_AGREEMENT["pleth"]) & (height > 0.1 * usual) & (height < 10.0 * usual)
