"""The walk over rows, hops and samples that ties the rhythm room together. Compiled."""

from __future__ import annotations

import numpy as np
from numba import njit

from ..waveform import HOP_SAMPLES, N_LEADS, Reason
from .artefact import is_artefact
from .beats import beat_sample, heart_rate, pvc_rate, remember_beat
from .beginning import hear_back
from .detector import LOOK_AHEAD, due, find_peak, rises, settle, stands_out
from .fibrillation import add_hop, judge_fibrillation
from .leads import choose_main_leads, extend, fuse, is_sure, learn_levels, weigh
from .noisy import find_in_noise
from .rules import HOLD_HOPS, count_quiet, judge_beats, judge_wave, tell
from .shape import classify
from .standstill import PULSE_BESIDE, STANDSTILL, judge_flat_line
from .state import ENERGY_HISTORY, HISTORY, N_MAIN_LEADS, PEAK_HISTORY, SLOPE_HISTORY
from .waves import WAVE_HOPS, measure_waves

MOST_BEATS_PER_HOP = 2
"""Beats lie more than 200 ms apart, a hop's length; two may be decided on in one."""

_OK, _SETTLING = int(Reason.OK), int(Reason.SETTLING)


@njit(cache=True, nogil=True)
def step_rows(state, recent, rows, first_hop, delay, signal, pulse, limits, beats, in_noise, out):
    """Step each row through its hops; returns how many beats were written to ``beats`` (row, sample, ventricular, hop)
    and to ``in_noise`` (row, sample, hop).

    ``recent``: what came before, of all rows of the room, as ``Recent`` has it; ``signal``, ``out``: the arrays of
    Conditioned and RhythmResult; ``pulse`` int8 (R, hops); ``limits`` LIMITS_DTYPE (rows of the room,); ``delay`` int64
    (R,) in samples, energy's included.
    """
    ecg, valid, reason, quality = signal
    length = HISTORY + ecg.shape[2]
    leads = (
        np.zeros((N_LEADS, length), np.float32),
        np.zeros((N_LEADS, length), np.float32),
        np.zeros((N_LEADS, length), np.float32),
    )
    fused = (np.zeros(length), np.zeros(length))
    present = np.zeros(N_LEADS, np.bool_)
    told = np.zeros(MOST_BEATS_PER_HOP, np.int64)
    n_beats = n_in_noise = 0
    for r in range(len(rows)):
        s = state[rows[r]]
        extend(s, recent[rows[r]], first_hop[r] * HOP_SAMPLES, ecg[r], valid[r], *leads, present)
        fused[0][HISTORY - PEAK_HISTORY : HISTORY] = s.fused
        fused[1][HISTORY - SLOPE_HISTORY : HISTORY] = s.slope
        for k in range(reason.shape[2]):
            hop = first_hop[r] + k
            start = HISTORY + k * HOP_SAMPLES
            silent = s.weight.sum() == 0.0
            weigh(s, present, leads[1][:, start : start + HOP_SAMPLES], reason[r, :, k], quality[r, :, k])
            if silent and s.weight.sum() > 0.0:
                hear_back(s, present, leads, fused, start, hop)
            fuse(s, leads[1], leads[2], start, fused[0], fused[1])
            _follow_main_leads(s, leads, start, valid[r, :, k * HOP_SAMPLES : (k + 1) * HOP_SAMPLES])
            out[2][r, k] = _why_unusable(s, reason[r, :, k])
            line = judge_flat_line(s, reason[r, :, k], out[2][r, k], pulse[r, k])
            out[5][r, k], out[7][r, k] = line == STANDSTILL, line == PULSE_BESIDE
            if line == STANDSTILL:
                out[2][r, k] = _OK
            count_quiet(s, out[2][r, k] == _OK, (hop + 1) * HOP_SAMPLES - delay[r])
            n_beats = _detect(s, present, leads, fused, start, hop, (rows[r], delay[r]), beats, n_beats)
            for i in range(find_in_noise(s, leads[0], start, reason[r, :, k], hop, told)):
                in_noise[0][n_in_noise], in_noise[1][n_in_noise] = rows[r], told[i] - delay[r]
                in_noise[2][n_in_noise] = hop
                n_in_noise += 1
            known = (hop + 1) * HOP_SAMPLES - delay[r] - LOOK_AHEAD
            if out[2][r, k] == _OK:
                judge_wave(s, judge_fibrillation(s), (hop + 1) * HOP_SAMPLES - delay[r])
                judge_beats(s, known, limits[rows[r]], out[8][r, k])
                if (hop + 1) % WAVE_HOPS == 0:
                    measure_waves(s, known, out[6][r, k])
            tell(s, out[0][r, k], out[1][r, k])
            if s.unusable < HOLD_HOPS:
                out[3][r, k] = heart_rate(s, known)
                out[4][r, k] = pvc_rate(s, known, (hop - s.hops) * HOP_SAMPLES)
            s.hops += 1
        _keep(s, leads, fused, present)
    return n_beats, n_in_noise


@njit(cache=True, nogil=True)
def _detect(s, present, leads, fused, start, hop, place, beats, n_beats):
    """Find and decide on peaks sample by sample through a hop."""
    row, delay = place
    origin = hop * HOP_SAMPLES - start
    for t in range(start, start + HOP_SAMPLES):
        if rises(fused[0], t):
            find_peak(s, fused[0], fused[1], t, t + origin)
        while due(s, t + origin):
            peak = s.candidate_sample[0]
            sure = is_sure(s)
            is_beat = stands_out(s)
            if is_beat and sure:
                is_beat = not is_artefact(s, leads[0], fused[0], peak - origin, peak - delay)
            settle(s, is_beat)
            if is_beat:
                learn_levels(s, present, leads[1], peak - origin)
                rr = peak - delay - beat_sample(s, 0) if s.n_beats > 0 and s.broken_at < beat_sample(s, 0) else -1
                ventricular = sure and classify(s, leads[0], peak - origin, rr)
                remember_beat(s, peak - delay, ventricular)
                s.quiet = t + origin - peak
                beats[0][n_beats], beats[1][n_beats] = row, peak - delay
                beats[2][n_beats], beats[3][n_beats] = ventricular, hop
                n_beats += 1
    return n_beats


@njit(cache=True, nogil=True)
def _follow_main_leads(s, leads, start, valid):
    choose_main_leads(s)
    hop = slice(start, start + HOP_SAMPLES)
    for main in range(N_MAIN_LEADS):
        lead = s.main_lead[main]
        if lead >= 0:
            add_hop(s, main, leads[0][lead, hop], leads[1][lead, hop], valid[lead].all())


@njit(cache=True, nogil=True)
def _why_unusable(s, reason):
    """OK when a lead is heard; else settling when one is usable but not learnt; else the leads' gravest reason."""
    if s.weight.sum() > 0.0:
        return _OK
    return _SETTLING if (reason == _OK).any() else reason.max()


@njit(cache=True, nogil=True)
def _keep(s, leads, fused, present):
    """Carry the newest samples over to the next step."""
    for lead in range(N_LEADS):
        if present[lead]:
            s.energy[lead] = leads[1][lead, -ENERGY_HISTORY:]
    s.fused[:] = fused[0][-PEAK_HISTORY:]
    s.slope[:] = fused[1][-SLOPE_HISTORY:]
