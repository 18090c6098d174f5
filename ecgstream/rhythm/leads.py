"""How much each lead is heard: learnt QRS height against the floor between waves, times quality. Compiled.

All usable leads are heard together. Heights are normalised by each lead's own typical QRS, and averaged as square
roots, so that a complex seen in every lead stands out from an artefact of one.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from ..conditioning.recent import look_back
from ..waveform import HOP_SAMPLES, N_LEADS, Reason
from .energy import REACH, qrs_energy
from .state import ENERGY_HISTORY, HISTORY, LEVEL_HOPS, N_MAIN_LEADS

LEAST_LEVEL = 0.008
"""Smallest typical QRS energy, mV: about that of a complex of 0.05 mV."""
LEARNING_HOPS = 10
"""Usable hops after which a lead's level is trusted (2 s)."""
EARLIEST_HOPS = 3
"""Usable hops after which it is, if a QRS stands out (0.6 s) in a segment's first two seconds: what comes after noise
that has gone on for long must show itself for longer."""
EARLY_LEVEL, EARLY_CREST = 0.12, 4.0
"""What a QRS has that a T wave has not: energy in mV, and how far its hop stands above the least of the others."""
FORGET_HOPS = 50
"""Successive unusable hops after which a level is learnt anew."""
FLOOR_STEP = 0.1
WEIGHT_POWER = 2.5
LEVEL_STEP = 0.15
LEVEL_RANGE = (0.4, 1.6)
RELEARN_AFTER = 5 * 250
"""Usable samples without a beat after which levels may fall to what is there, if that is above LEAST_LEVEL: what is
left where a heart stands still is no QRS. Later than the asystole rule."""
RELEARN_CREST = 4.0
DEAD_HOPS = 7
"""A lead without a peak of DEAD_LEVEL in so many hops (1.4 s), while another has one of LIVE_LEVEL, has come loose: it
must not make the others' beats look small. Where all are quiet, so is the heart."""
DEAD_LEVEL, LIVE_LEVEL = 0.25, 0.6
MAIN_SHARE = 0.2
"""A main lead may weigh this little of the heaviest lead."""
MAIN_POOR_HOPS = 25

_OK = int(Reason.OK)


@njit(cache=True, nogil=True)
def extend(s, recent, first, ecg, valid, lead_ecg, lead_energy, lead_slope, present):
    """Put history and new samples side by side, each (N_LEADS, HISTORY + T), for the leads marked in ``present``.

    ``recent`` (N_LEADS, RECENT): the row's samples before grid sample ``first``, where the block begins.
    """
    n = ecg.shape[1]
    work = np.empty(REACH - 1 + n, np.float32)
    new = slice(HISTORY - REACH + 1, HISTORY + n)
    for lead in range(N_LEADS):
        present[lead] = s.clean[lead] > -HISTORY or valid[lead].any()
        if present[lead]:
            look_back(recent[lead], first, lead_ecg[lead, :HISTORY])
            _copy(ecg[lead], lead_ecg[lead, HISTORY:])
            _copy(s.energy[lead], lead_energy[lead, HISTORY - ENERGY_HISTORY : HISTORY])
            qrs_energy(lead_ecg[lead, new], work, lead_slope[lead, new], lead_energy[lead, new])
            s.clean[lead] = _silence(
                valid[lead], s.clean[lead], lead_energy[lead, HISTORY:], lead_slope[lead, HISTORY:]
            )


@njit(cache=True, nogil=True)
def _copy(values, out):
    """Numba's own assignment of an array to a view takes several times as long."""
    for i in range(len(out)):
        out[i] = values[i]


@njit(cache=True, nogil=True)
def _silence(valid, clean, energy, slope):
    """No energy where an unusable sample is in reach; returns the new count of clean samples."""
    usable = 0
    for t in range(len(valid)):
        usable += valid[t]
    if usable == len(valid) and clean >= REACH - 1:
        return clean + usable
    for t in range(len(valid)):
        clean = max(clean, 0) + 1 if valid[t] else max(min(clean, 0) - 1, -HISTORY)
        if clean < REACH:
            energy[t] = 0.0
            slope[t] = 0.0
    return clean


@njit(cache=True, nogil=True)
def weigh(s, present, lead_energy, reason, quality):
    """Bring each lead's level, floor and weight up to a hop: ``lead_energy`` (N_LEADS, HOP_SAMPLES) and its judgement
    (N_LEADS,). Weights add up to 1, or to 0 when no lead is usable and learnt."""
    liveliest, recent_peak = 0.0, np.zeros(N_LEADS)
    for lead in range(N_LEADS):
        was_heard = s.weight[lead] > 0.0
        s.weight[lead] = 0.0
        # Whether a lead is present depends on how hops are cut into blocks; what is followed must not.
        usable = present[lead] and reason[lead] == _OK
        _follow(s, lead, lead_energy[lead], usable)
        if usable and (was_heard or _is_known(s, lead)):
            clear = s.level[lead] / (s.floor[lead] + 0.05 * s.level[lead])
            s.weight[lead] = quality[lead] * clear**WEIGHT_POWER
            recent_peak[lead] = _recent_peak(s, lead)
            liveliest = max(liveliest, recent_peak[lead])
    for lead in range(N_LEADS):
        if s.weight[lead] > 0.0 and liveliest > LIVE_LEVEL and recent_peak[lead] < DEAD_LEVEL:
            s.weight[lead] = 0.0
    total = s.weight.sum()
    if total > 0.0:
        s.weight /= total


@njit(cache=True, nogil=True)
def _is_known(s, lead):
    """Whether a lead's level is that of a QRS: for certain after LEARNING_HOPS, before that where one stands out."""
    learnt = s.learnt[lead]
    if learnt < EARLIEST_HOPS or learnt == LEARNING_HOPS or s.hops >= LEARNING_HOPS:
        return learnt == LEARNING_HOPS
    least = s.level[lead]
    for age in range(EARLIEST_HOPS):
        least = min(least, s.hop_peak[lead, (s.hops - age) % LEVEL_HOPS])
    return s.level[lead] > max(EARLY_CREST * least, EARLY_LEVEL)


@njit(cache=True, nogil=True)
def is_sure(s):
    """Whether a lead that is heard is known for certain; what beats look like is learnt from then on: the first peak
    of a segment may be the T wave of a beat before it."""
    return ((s.weight > 0.0) & (s.learnt == LEARNING_HOPS)).any()


@njit(cache=True, nogil=True)
def _recent_peak(s, lead):
    """Highest energy of the last DEAD_HOPS hops against the lead's level."""
    highest, place = 0.0, s.hops % LEVEL_HOPS
    for _ in range(DEAD_HOPS):
        highest = max(highest, s.hop_peak[lead, place])
        place = place - 1 if place else LEVEL_HOPS - 1
    return highest / max(s.level[lead], LEAST_LEVEL)


@njit(cache=True, nogil=True)
def _follow(s, lead, energy, usable):
    """Level and floor of one lead. The level is the highest energy while learning; later only beats move it."""
    place = s.hops % LEVEL_HOPS
    if not usable:
        s.hop_peak[lead, place] = 0.0
        s.away[lead] += 1
        if s.away[lead] == FORGET_HOPS:
            s.learnt[lead] = 0
            s.level[lead] = 0.0
        return
    least, most = _least_and_most(energy)
    s.away[lead] = 0
    s.hop_peak[lead, place] = most
    s.floor[lead] += FLOOR_STEP * (least - s.floor[lead])
    if s.learnt[lead] < LEARNING_HOPS:
        s.learnt[lead] += 1
        s.level[lead] = max(s.level[lead], most, LEAST_LEVEL)
    elif s.quiet > RELEARN_AFTER:
        highest = s.hop_peak[lead].max()
        if highest > max(RELEARN_CREST * s.floor[lead], LEAST_LEVEL):
            s.level[lead] = min(s.level[lead], highest)


@njit(cache=True, nogil=True)
def _least_and_most(energy):
    """The least and the greatest of float32 that are not negative: their bits, as integers, have the same order, and
    integers are compared many at once."""
    bits = energy.view(np.int32)
    least = most = bits[0]
    for i in range(1, len(bits)):
        least = min(least, bits[i])
        most = max(most, bits[i])
    ends = np.array([least, most], np.int32).view(np.float32)
    return ends[0], ends[1]


@njit(cache=True, nogil=True)
def learn_levels(s, present, lead_energy, peak):
    """Move each lead's level towards its height in the beat at index ``peak``; a lead without signal there learns
    nothing, present or not: that depends on how hops are cut into blocks."""
    for lead in range(N_LEADS):
        if present[lead] and s.level[lead] > 0.0:
            highest = lead_energy[lead, peak - 12 : peak + 13].max()
            if highest > 0.0:
                height = min(max(highest / s.level[lead], LEVEL_RANGE[0]), LEVEL_RANGE[1])
                s.level[lead] = max(s.level[lead] * (1 + LEVEL_STEP * (height - 1)), LEAST_LEVEL)


@njit(cache=True, nogil=True)
def fuse(s, lead_energy, lead_slope, start, fused, slope):
    """Fused energy and slope of the hop that begins at index ``start``; about 1 and 2 at a typical QRS."""
    hop = slice(start, start + HOP_SAMPLES)
    height, steepness = fused[hop], slope[hop]
    height[:] = 0.0
    steepness[:] = 0.0
    for lead in range(N_LEADS):
        weight = s.weight[lead]
        if weight > 0.0:
            root = weight / np.sqrt(s.level[lead])
            scale = weight / s.level[lead]
            energy, change = lead_energy[lead, hop], lead_slope[lead, hop]
            for i in range(HOP_SAMPLES):
                height[i] += root * np.sqrt(energy[i])
                steepness[i] += scale * change[i]
    for i in range(HOP_SAMPLES):
        height[i] *= height[i]


@njit(cache=True, nogil=True)
def choose_main_leads(s):
    """Keep each main lead while it is heard at all well; else take the heaviest lead that is not yet one."""
    if s.weight.sum() == 0.0:
        return
    for main in range(N_MAIN_LEADS):
        lead = s.main_lead[main]
        if lead >= 0 and s.weight[lead] >= MAIN_SHARE * s.weight.max():
            s.main_poor[main] = 0
            continue
        s.main_poor[main] += 1
        if lead < 0 or s.main_poor[main] >= MAIN_POOR_HOPS:
            _replace_main_lead(s, main)


@njit(cache=True, nogil=True)
def _replace_main_lead(s, main):
    best, weight = -1, 0.0
    for lead in range(N_LEADS):
        if s.weight[lead] > weight and not (s.main_lead == lead).any():
            best, weight = lead, s.weight[lead]
    current = s.main_lead[main]
    if best < 0 or (current >= 0 and weight <= s.weight[current]):
        return
    s.main_lead[main] = best
    s.main_poor[main] = 0
    s.wave_hops[main] = 0
    s.shapes_learnt[main] = 0
    s.n_recent = 0
