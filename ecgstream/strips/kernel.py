"""The walk over rows and hops: a lead is followed, its last half minute kept, and handed out in time. Compiled."""

from __future__ import annotations

import numpy as np
from numba import njit

from ..waveform import HOP_S, HOP_SAMPLES, LEAD_SLOT, N_LEADS, Reason
from .features import STRIP_HOP, STRIP_STEP
from .state import BEATS, MV, RING_HOPS, STRIP_HOPS

EVERY_HOPS = round(5 / HOP_S)
"""A row's strip is due every so many hops."""
LEAST_USABLE = 0.7
"""Share of a strip's hops that must be usable."""
_PREFERRED = ("II", "V1", "I", "V2", "X1", "X2", "V5", "V3", "V4", "V6", "III", "aVF", "aVL", "aVR", "X3", "X4")
assert len(_PREFERRED) == N_LEADS
_PREFER = np.array([LEAD_SLOT[name] for name in _PREFERRED])
_POOR_HOPS = round(5 / HOP_S)
_OK = int(Reason.OK)


@njit(cache=True, nogil=True)
def step_rows(state, rows, first_hop, delay, signal, beats, told):
    """Step each row through its hops; returns the number of strips that were due.

    ``signal``: ecg_mv, reason and quality of Conditioned; ``beats``: row, sample, ventricular and confirmed_hop;
    ``told``, of every strip due: place among ``rows``, hop of the block, number of beats (-1 where too little of it is
    there or usable), and the strip itself: ecg, beats, ventricular, quality and usable as ``measure_strip`` takes them.
    """
    ecg, reason, quality = signal
    next_beat = count = 0
    for r in range(len(rows)):
        s = state[rows[r]]
        for k in range(reason.shape[2]):
            hop = first_hop[r] + k
            _follow_lead(s, reason[r, :, k])
            _keep_hop(s, hop, ecg[r, :, k * HOP_SAMPLES : (k + 1) * HOP_SAMPLES], reason[r, :, k], quality[r, :, k])
            while next_beat < len(beats[0]) and beats[0][next_beat] == rows[r] and beats[3][next_beat] <= hop:
                s.beat_sample[s.n_beats % BEATS] = beats[1][next_beat] + delay[r]
                s.beat_ventricular[s.n_beats % BEATS] = beats[2][next_beat]
                s.n_beats += 1
                next_beat += 1
            if (hop + 1) % EVERY_HOPS == 0:
                told[0][count], told[1][count] = r, k
                strip = (told[3][count], told[4][count], told[5][count], told[6][count], told[7][count])
                told[2][count] = _hand_out(s, hop + 1, strip)
                count += 1
    return count


@njit(cache=True, nogil=True)
def _follow_lead(s, reason):
    """Keep the lead until it has been unusable for a while; then take the first usable one in order of preference."""
    usable = s.lead >= 0 and reason[s.lead] == _OK
    s.poor = 0 if usable else s.poor + 1
    if usable or (s.lead >= 0 and s.poor < _POOR_HOPS):
        return
    for lead in _PREFER:
        if reason[lead] == _OK:
            s.lead, s.poor, s.hops = lead, 0, 0
            return


@njit(cache=True, nogil=True)
def _keep_hop(s, hop, ecg, reason, quality):
    if s.lead < 0:
        return
    place = hop % RING_HOPS
    for i in range(STRIP_HOP):
        units = ecg[s.lead, STRIP_STEP * i] / MV
        s.wave[place * STRIP_HOP + i] = round(min(max(units, -32767.0), 32767.0))
    s.quality[place], s.usable[place] = quality[s.lead], reason[s.lead] == _OK
    s.hops = min(s.hops + 1, RING_HOPS)


@njit(cache=True, nogil=True)
def _hand_out(s, stop_hop, strip):
    """Write the strip that ends LAG_HOPS before ``stop_hop``; returns its number of beats, -1 where it is of no use."""
    ecg, beats, ventricular, quality, usable = strip
    first, good = stop_hop - RING_HOPS, 0
    for k in range(STRIP_HOPS):
        place = (first + k) % RING_HOPS
        quality[k], usable[k] = s.quality[place], s.usable[place]
        good += usable[k]
        for i in range(STRIP_HOP):
            ecg[k * STRIP_HOP + i] = s.wave[place * STRIP_HOP + i] * MV
    if s.hops < RING_HOPS or good < LEAST_USABLE * STRIP_HOPS:
        return -1
    start, stop = first * HOP_SAMPLES, (first + STRIP_HOPS) * HOP_SAMPLES
    count = 0
    for k in range(max(s.n_beats - BEATS, 0), s.n_beats):
        sample = s.beat_sample[k % BEATS]
        if start <= sample < stop:
            beats[count], ventricular[count] = (sample - start) // STRIP_STEP, s.beat_ventricular[k % BEATS]
            count += 1
    return count
