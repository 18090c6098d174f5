"""Evidence that is no model's and no rule's of rhythm: what the signal itself shows of its own fitness, and limits."""

from __future__ import annotations

import numpy as np

from ..waveform import HOP_SAMPLES, Condition, Conditioned, Reason, RhythmResult


def add_technical(
    evidence: np.ndarray,
    onset: np.ndarray,
    conditioned: Conditioned,
    rhythm: RhythmResult,
    swap: np.ndarray,
    clock_wrong: np.ndarray,
    model_missing: bool,
    most_pvc: np.ndarray,
) -> None:
    """Set in ``evidence`` and ``onset`` (R, n_hops, N_CONDITIONS) the technical conditions, and PVCs above the limit.

    swap (R, n_hops), 0 where no electrodes seem exchanged; clock_wrong bool (R,); most_pvc (R,), per minute.
    A condition's onset is the start of the hop.
    """
    hop_start = (conditioned.first_hop[:, None] + np.arange(conditioned.n_hops)) * HOP_SAMPLES
    holds = {
        Condition.LEADS_OFF: (conditioned.reason == Reason.LEAD_OFF).any(1) | rhythm.pulse_beside,
        Condition.SIGNAL_UNUSABLE: ~np.isin(rhythm.reason, (Reason.OK, Reason.SETTLING)),
        Condition.ELECTRODES_SWAPPED: swap > 0,
        Condition.CLOCK_WRONG: clock_wrong[:, None],
        Condition.MODEL_UNAVAILABLE: model_missing,
        Condition.FREQUENT_PVC: rhythm.pvc_per_min > most_pvc[:, None],
    }
    for condition, where in holds.items():
        evidence[:, :, condition] = where
        onset[:, :, condition] = np.where(evidence[:, :, condition], hop_start, -1)
