"""The rate a condition of rates is told with, and the limit that rate lay beyond."""

from __future__ import annotations

import numpy as np

from ..waveform import N_CONDITIONS, Condition, RhythmResult

LOW_LIMIT = {
    Condition.EXTREME_BRADYCARDIA: "extreme_bradycardia_bpm",
    Condition.BRADYCARDIA: "bradycardia_bpm",
}
HIGH_LIMIT = {
    Condition.EXTREME_TACHYCARDIA: "extreme_tachycardia_bpm",
    Condition.VENTRICULAR_TACHYCARDIA: "ventricular_tachycardia_bpm",
    Condition.TACHYCARDIA: "tachycardia_bpm",
    Condition.FREQUENT_PVC: "pvc_per_min",
}


def measured_rates(rhythm: RhythmResult, evidence: np.ndarray) -> np.ndarray:
    """float32 (R, H, N_CONDITIONS), per minute: the rate by which a condition in ``evidence`` (of that shape) holds;
    0 where none was measured, as on a model's word alone."""
    rates = rhythm.judged_bpm.copy()
    pvc = Condition.FREQUENT_PVC
    rates[:, :, pvc] = np.where(evidence[:, :, pvc], rhythm.pvc_per_min, 0)
    return rates


def limits_of_rates(limits: np.ndarray) -> np.ndarray:
    """float32 (R, N_CONDITIONS), per minute, of the LIMITS_DTYPE (R,) of beds; 0 for conditions of no rate."""
    table = np.zeros((len(limits), N_CONDITIONS), np.float32)
    for condition, name in (LOW_LIMIT | HIGH_LIMIT).items():
        table[:, condition] = limits[name]
    return table
