"""The walk over rows and hops: three leads are kept for some seconds, and every beat joins their average. Compiled."""

from __future__ import annotations

import numpy as np
from numba import njit

from ..rows import without
from ..waveform import HOP_S, HOP_SAMPLES, LEAD_SLOT, Reason
from .swaps import BEAT, BEFORE, STEP, judge_average

EVERY_HOPS = round(5 / HOP_S)
"""The average is judged every so many hops,"""
LEAST_BEATS = 8
"""once it is of this many beats;"""
IN_A_ROW = 6
"""and so many that say the same change what is told."""
FORGET_HOPS = round(60 / HOP_S)
"""Without a beat that could be used for this long all is forgotten."""

_HOP = HOP_SAMPLES // STEP
_RING_HOPS = 15
_RING = _RING_HOPS * _HOP
_LEADS = 3
_WAITING = 8
_MOST_WEIGHED = 16
_I, _II = LEAD_SLOT["I"], LEAD_SLOT["II"]
_CHEST = np.array([LEAD_SLOT[name] for name in ("V6", "V5", "V4")])
_OK, _ABSENT = int(Reason.OK), int(Reason.ABSENT)

ROW = np.dtype(
    [
        ("wave", np.float32, (_LEADS, _RING)),  # I, II and the lead of the left chest
        ("good", np.uint8, (_RING_HOPS,)),  # which hops of the ring can be used in all of them
        ("chest", np.int64),  # its slot, -1 where there is none
        ("n_waiting", np.int64),
        ("waiting", np.int64, (_WAITING,)),  # where beats show in the conditioned signal whose end is to come
        ("average", np.float32, (_LEADS, BEAT)),  # mV, of about the last _MOST_WEIGHED beats
        ("beats", np.int64),
        ("idle_hops", np.int64),  # since the last beat
        ("says", np.int64),  # Swap of the last averages, and how many of them in a row
        ("in_a_row", np.int64),
        ("told", np.int64),  # Swap
    ],
    align=True,
)
KEPT = without(ROW, ("wave", "good"))
"""What _RING_HOPS hops of signal do not tell anew."""


def fresh(n_rows: int) -> np.ndarray:
    """Rows that know nothing: ``ROW`` (n_rows,)."""
    rows = np.zeros(n_rows, ROW)
    rows["chest"] = -1
    return rows


@njit(cache=True, nogil=True)
def step_rows(state, rows, first_hop, delay, signal, beats, told):
    """Step each row through its hops, and write what is told of each into ``told`` uint8 (R, n_hops).

    ``signal``: ecg_mv and reason of Conditioned; ``beats``: row, sample, ventricular and confirmed_hop as in Beats.
    """
    ecg, reason = signal
    b = 0
    for r in range(len(rows)):
        s = state[rows[r]]
        for k in range(reason.shape[2]):
            hop = first_hop[r] + k
            _keep_hop(s, hop, ecg[r, :, k * HOP_SAMPLES : (k + 1) * HOP_SAMPLES], reason[r, :, k])
            while b < len(beats[0]) and beats[0][b] == rows[r] and beats[3][b] <= hop:
                if not beats[2][b] and s.n_waiting < _WAITING:
                    s.waiting[s.n_waiting] = beats[1][b] + delay[r]
                    s.n_waiting += 1
                b += 1
            _join_waiting(s, hop + 1)
            if (hop + 1) % EVERY_HOPS == 0 and s.beats >= LEAST_BEATS:
                _judge(s)
            told[r, k] = s.told


@njit(cache=True, nogil=True)
def _keep_hop(s, hop, ecg, reason):
    chest = -1
    for slot in _CHEST[::-1]:
        if reason[slot] != _ABSENT:
            chest = slot
    s.idle_hops += 1
    if chest != s.chest or s.idle_hops > FORGET_HOPS:
        s.chest = chest
        s.beats = s.in_a_row = s.told = s.idle_hops = 0
        s.good[:] = 0
    place = hop % _RING_HOPS
    s.good[place] = reason[_I] == _OK and reason[_II] == _OK and (chest < 0 or reason[chest] == _OK)
    for n, lead in enumerate((_I, _II, chest)):
        for i in range(_HOP):
            s.wave[n, place * _HOP + i] = ecg[lead, STEP * i]


@njit(cache=True, nogil=True)
def _join_waiting(s, stop_hop):
    """Let beats whose end has come join the average."""
    left = 0
    for w in range(s.n_waiting):
        start = s.waiting[w] // STEP - BEFORE
        if start + BEAT > stop_hop * _HOP:
            s.waiting[left] = s.waiting[w]
            left += 1
        elif _is_good(s, start, stop_hop):
            s.idle_hops = 0
            s.beats += 1
            weight = 1.0 / min(s.beats, _MOST_WEIGHED)
            for n in range(_LEADS):
                for i in range(BEAT):
                    s.average[n, i] += weight * (s.wave[n, (start + i) % _RING] - s.average[n, i])
    s.n_waiting = left


@njit(cache=True, nogil=True)
def _is_good(s, start, stop_hop):
    good = start >= (stop_hop - _RING_HOPS) * _HOP
    for hop in range(start // _HOP, (start + BEAT - 1) // _HOP + 1):
        good = good and s.good[hop % _RING_HOPS] == 1
    return good


@njit(cache=True, nogil=True)
def _judge(s):
    swap = judge_average(s.average, s.chest >= 0)
    s.in_a_row = s.in_a_row + 1 if swap == s.says else 1
    s.says = swap
    if s.in_a_row >= IN_A_ROW:
        s.told = swap
