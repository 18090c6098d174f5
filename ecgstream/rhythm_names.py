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


def rhythm_name(evidence: np.ndarray, hr_bpm: float) -> str:
    """The gravest condition that holds, else ``no_arrhythmia`` while a rate is known, else the empty string."""
    for condition in RHYTHM_ORDER:
        if evidence[condition]:
            return condition.name.lower()
    return "" if np.isnan(hr_bpm) else "no_arrhythmia"
