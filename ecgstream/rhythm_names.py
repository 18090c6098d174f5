"""Which of the conditions that hold names the rhythm in vitals."""

from __future__ import annotations

import numpy as np

from .waveform import Condition

RHYTHM_ORDER = (
    Condition.VENTRICULAR_FIBRILLATION,
    Condition.ASYSTOLE,
    Condition.VENTRICULAR_TACHYCARDIA,
    Condition.EXTREME_TACHYCARDIA,
    Condition.EXTREME_BRADYCARDIA,
    Condition.PVC_RUN,
    Condition.ATRIAL_FIBRILLATION,
    Condition.PAUSE,
    Condition.TACHYCARDIA,
    Condition.BRADYCARDIA,
    Condition.IRREGULAR_RR,
)
"""Gravest first."""


_NAMES = [*(condition.name.lower() for condition in RHYTHM_ORDER), "no_arrhythmia", ""]


def rhythm_names(evidence: np.ndarray, hr_bpm: np.ndarray) -> list[str]:
    """Of each bed, ``evidence`` bool (N, N_CONDITIONS) and ``hr_bpm`` (N,), the gravest condition that holds, else
    ``no_arrhythmia`` while a rate is known, else the empty string."""
    holds = np.column_stack((evidence[:, RHYTHM_ORDER], ~np.isnan(hr_bpm), np.ones(len(hr_bpm), bool)))
    return [_NAMES[first] for first in holds.argmax(axis=1).tolist()]
