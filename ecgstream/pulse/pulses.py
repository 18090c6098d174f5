"""Pulses of a stretch of PLETH or ABP, each with its time, size and whether it can be believed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .detection import pleth_onsets, pressure_onsets
from .quality import believable_pleth, believable_pressure, template_agreement

LEAST_VALID_SHARE = 0.5
"""With less of a stretch valid, nothing is said of it."""
LEAST_RANGE_MMHG = 2.0
"""A pressure that moves less over a stretch is no arterial pressure."""


@dataclass(frozen=True, slots=True)
class Pulses:
    """K pulses of one channel, in order."""

    wave: np.ndarray  # float32 (N,), NaN where not valid
    fs_hz: float
    time_s: np.ndarray  # float64 (K,), onset, from the start of the stretch
    height: np.ndarray  # float64 (K,), from onset to the highest point after it, in the channel's unit
    mean: np.ndarray  # float64 (K,), of the wave from this onset to the next
    agreement: np.ndarray  # float64 (K,), correlation with the stretch's median pulse
    good: np.ndarray  # bool (K,), can be believed

    @property
    def quality(self) -> float:
        """Share of the pulses that can be believed; 0 when there are none."""
        return float(self.good.mean()) if len(self.good) else 0.0


def find_pulses(wave: np.ndarray, valid: np.ndarray, fs_hz: float, is_pressure: bool) -> Pulses:
    """Pulses of ``wave`` (N,), mmHg where ``is_pressure``; samples not ``valid`` bool (N,) are bridged, and no pulse
    beside them is believed.

    Arterial pressure by Zong et al. 2003, pleth by Elgendi et al. 2013; belief as ``quality`` says.
    """
    share = float(valid.mean()) if len(valid) else 0.0
    shown = np.where(valid, wave, np.nan).astype(np.float32)
    if share < LEAST_VALID_SHARE or np.ptp(wave[valid]) < (LEAST_RANGE_MMHG if is_pressure else 1e-9):
        return _none(shown, fs_hz)
    bridged = np.interp(np.arange(len(wave)), np.flatnonzero(valid), wave[valid])
    onset = pressure_onsets(bridged, fs_hz) if is_pressure else pleth_onsets(bridged, fs_hz)
    if len(onset) < 2:
        return _none(shown, fs_hz)
    stop = np.append(onset[1:], len(bridged))
    height = np.array([_rise(bridged, a, b, fs_hz) for a, b in zip(onset, stop, strict=True)])
    mean = np.array([bridged[a:b].mean() for a, b in zip(onset, stop, strict=True)])
    agreement = template_agreement(bridged, onset, fs_hz)
    believe = believable_pressure if is_pressure else believable_pleth
    good = believe(bridged[onset], height, mean, agreement) & _is_whole(valid, onset, stop)
    return Pulses(shown, fs_hz, onset / fs_hz, height, mean, agreement, good)


def _rise(wave: np.ndarray, onset: int, stop: int, fs_hz: float) -> float:
    """Height of the first half second of a pulse over its onset."""
    return float(wave[onset : min(stop, onset + round(0.5 * fs_hz)) + 1].max() - wave[onset])


def _is_whole(valid: np.ndarray, onset: np.ndarray, stop: np.ndarray) -> np.ndarray:
    missing = np.concatenate([[0], np.cumsum(~valid)])
    return missing[stop] == missing[onset]


def _none(wave: np.ndarray, fs_hz: float) -> Pulses:
    nothing = np.empty(0)
    return Pulses(wave, fs_hz, nothing, nothing, nothing, nothing, np.empty(0, bool))
