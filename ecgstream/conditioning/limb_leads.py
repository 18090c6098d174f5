"""The limb leads that were not measured, from any two that were (Einthoven 1912, Goldberger 1942). Compiled."""

from __future__ import annotations

import numpy as np
from numba import njit

from ..waveform import LEAD_SLOT

N_LIMB_LEADS = 6
_OF_I_AND_II = np.array([[1, 0], [0, 1], [-1, 1], [-0.5, -0.5], [1, -0.5], [-0.5, 1]])
"""I, II, III, aVR, aVL, aVF as multiples of I and II; in the order of their slots."""
assert [LEAD_SLOT[lead] for lead in ("I", "II", "III", "aVR", "aVL", "aVF")] == list(range(N_LIMB_LEADS))


def _shares() -> np.ndarray:
    """``[a, b, d]``: lead d as multiples of leads a and b; float64 (6, 6, 6, 2), NaN where a is b."""
    shares = np.full((N_LIMB_LEADS, N_LIMB_LEADS, N_LIMB_LEADS, 2), np.nan)
    for a in range(N_LIMB_LEADS):
        for b in set(range(N_LIMB_LEADS)) - {a}:
            shares[a, b] = _OF_I_AND_II @ np.linalg.inv(_OF_I_AND_II[[a, b]])
    return shares


SHARES = _shares()


@njit(cache=True, nogil=True)
def _combine(a, b, slot, ecg_mv, valid):
    from_a, from_b = SHARES[a, b, slot]
    for t in range(ecg_mv.shape[1]):
        both = valid[a, t] and valid[b, t]
        valid[slot, t] = both
        ecg_mv[slot, t] = from_a * ecg_mv[a, t] + from_b * ecg_mv[b, t] if both else 0.0


@njit(cache=True, nogil=True)
def _worse(a, b, slot, reason, quality):
    for hop in range(reason.shape[1]):
        worse = a if quality[a, hop] <= quality[b, hop] else b
        quality[slot, hop] = quality[worse, hop]
        reason[slot, hop] = reason[worse, hop]


@njit(cache=True, nogil=True)
def derive_limb_leads(slots, ecg_mv, valid, reason, quality):
    """Fill the limb slots that a row lacks from the first two it has; valid where both are, as good as the worse.

    ``slots`` int64 (R, C), the leads measured; ``ecg_mv``, ``valid`` (R, N_LEADS, T); ``reason``, ``quality``
    (R, N_LEADS, hops); all updated.
    """
    for r in range(len(slots)):
        measured = np.zeros(N_LIMB_LEADS, np.bool_)
        for slot in slots[r]:
            if slot < N_LIMB_LEADS:
                measured[slot] = True
        sources = np.flatnonzero(measured)
        if len(sources) < 2:
            continue
        a, b = sources[0], sources[1]
        for slot in range(N_LIMB_LEADS):
            if not measured[slot]:
                _combine(a, b, slot, ecg_mv[r], valid[r])
                _worse(a, b, slot, reason[r], quality[r])
