"""What an average beat says of the limb electrodes. Compiled.

Right and left arm exchanged: lead I is turned over (P, QRS and T), while the left chest sees the heart as before
(Batchvarov et al. 2007, Europace 9). Right arm and right leg exchanged: lead II is between two legs, all but flat.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numba import njit

from ..waveform import GRID_HZ

STEP = 2
"""Every second grid sample is kept: 125 Hz."""
BEFORE, AFTER = 45, 55
"""Samples of a beat before and after its QRS: 0.36 and 0.44 s."""
BEAT = BEFORE + AFTER


class Swap(IntEnum):
    """Which electrodes seem to be exchanged."""

    NONE = 0
    ARMS = 1
    RIGHT_ARM_AND_LEG = 2


FEATURES = ("like_chest", "p", "qrs", "t", "swing_1", "swing_2")
UNLIKE = -0.3
"""Correlation with the chest lead below which lead I is turned over, if its P is, or QRS and T without an upright P."""
P_UPRIGHT_MV, P_TURNED_MV = 0.02, -0.02
"""Net P of lead I: upright above, turned over below."""
FLAT_MV, FLAT_SHARE = 0.1, 0.15
"""Lead II is flat below both: its swing, and its share of lead I's."""


def _samples(start_s: float, stop_s: float) -> slice:
    return slice(*(BEFORE + round(edge_s * GRID_HZ / STEP) for edge_s in (start_s, stop_s)))


_P, _PQ, _QRS, _T = _samples(-0.24, -0.08), _samples(-0.07, -0.05), _samples(-0.05, 0.06), _samples(0.12, 0.40)
_P0, _P1, _PQ0, _PQ1 = _P.start, _P.stop, _PQ.start, _PQ.stop
_Q0, _Q1, _T0, _T1 = _QRS.start, _QRS.stop, _T.start, _T.stop
_NONE, _ARMS, _LEG = int(Swap.NONE), int(Swap.ARMS), int(Swap.RIGHT_ARM_AND_LEG)


@njit(cache=True, nogil=True)
def measure_average(average, with_chest):
    """FEATURES float64 (6,) of an average beat, mV (3, BEAT): correlation of lead I with the chest lead in QRS and T
    (NaN without one), net P, QRS and T of lead I, and the swings of leads I and II."""
    first = average[0] - average[0, _PQ0:_PQ1].mean()
    like = np.nan
    if with_chest:
        chest = average[2] - average[2, _PQ0:_PQ1].mean()
        both = (first[_Q0:_Q1] * chest[_Q0:_Q1]).sum() + (first[_T0:_T1] * chest[_T0:_T1]).sum()
        like = both / np.sqrt(max(_energy(first) * _energy(chest), 1e-12))
    p = first[_P0:_P1] - np.linspace(first[_P0], first[_P1 - 1], _P1 - _P0)
    qrs, t = first[_Q0:_Q1], first[_T0:_T1]
    swings = average[0].max() - average[0].min(), average[1].max() - average[1].min()
    return np.array([like, p[np.abs(p).argmax()], qrs.max() + qrs.min(), t[np.abs(t).argmax()], swings[0], swings[1]])


@njit(cache=True, nogil=True)
def _energy(wave):
    return (wave[_Q0:_Q1] ** 2).sum() + (wave[_T0:_T1] ** 2).sum()


@njit(cache=True, nogil=True)
def judge_average(average, with_chest):
    """The Swap that an average beat, mV (3, BEAT), shows."""
    like, p, qrs, t, swing_1, swing_2 = measure_average(average, with_chest)
    if swing_2 < min(FLAT_MV, FLAT_SHARE * swing_1):
        return _LEG
    turned = like < UNLIKE and (p < P_TURNED_MV or (p < P_UPRIGHT_MV and qrs < 0 and t < 0))
    return _ARMS if turned else _NONE
