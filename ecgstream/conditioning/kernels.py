"""Per-sample work: resampling and filtering. Compiled."""

from __future__ import annotations

import numpy as np
from numba import njit

from ..waveform import CODE_LEAD_OFF, CODE_LIMIT, GRID_HZ, HOP_SAMPLES, Reason
from .pacing import hold_pacing, is_calm, pacing_samples, place_pacing

_LIMIT = int(CODE_LIMIT)
_LEAD_OFF_CODE = int(CODE_LEAD_OFF)
_MISSING = int(Reason.MISSING)
_LEAD_OFF = int(Reason.LEAD_OFF)

N_FILTER_STATE = 8
"""Baseline, two values of each of three sections, and whether any of it is set."""
LANES = 16
"""Channels filtered side by side: each waits for its own last result, so that more of them take hardly longer."""
_DENORMAL_GUARD = 1e-20
"""Keeps an exactly flat lead's state from decaying into denormal numbers, which processors handle slowly."""


@njit(cache=True, nogil=True)
def place_grid(up, down, phases, first_grid, origin, newest, phase):
    """Where each grid sample lies among native ones: the index of the newest it may read, and how far past it.

    Entry t is the segment's grid sample ``first_grid + t``; the segment's native sample n has index ``n + origin``.
    """
    if up == down:
        for t in range(len(newest)):
            newest[t], phase[t] = first_grid + t + origin, 0
        return
    for t in range(len(newest)):
        position = (first_grid + t) * up
        newest[t] = position // down + origin
        phase[t] = (position % down * phases + down // 2) // down


@njit(cache=True, nogil=True)
def resample_lead(native_mv, weights, newest, phase, out):
    """Weigh the native samples up to ``newest[t]`` into ``out[t]``."""
    taps = weights.shape[1]
    if taps == 1:
        for t in range(len(out)):
            out[t] = weights[phase[t], 0] * native_mv[newest[t]]
        return
    for t in range(len(out)):
        first, row = newest[t] + 1 - taps, phase[t]
        total = 0.0
        for k in range(taps):
            total += weights[row, k] * native_mv[first + k]
        out[t] = total


@njit(cache=True, nogil=True)
def mark_unusable(raw, taps, newest, unusable):
    """``unusable[t]``: 0, or the Reason why one of the ``taps`` native samples up to ``newest[t]`` is unusable; returns
    whether any native sample is."""
    unusable[:] = 0
    n_bad = np.int32(0)
    for m in range(len(raw)):
        n_bad += np.int32(raw[m] < CODE_LIMIT)
    if n_bad == 0:
        return False
    seen = newest[0] - taps
    bad, why = -1, 0
    for t in range(len(unusable)):
        while seen < newest[t]:
            seen += 1
            if raw[seen] < _LIMIT:
                bad = seen
                why = _LEAD_OFF if raw[seen] == _LEAD_OFF_CODE else _MISSING
        if bad > newest[t] - taps:
            unusable[t] = why
    return True


@njit(cache=True, nogil=True)
def filter_lead(mv, unusable, baseline_step, sections, state, out, valid):
    """Filter ``mv`` into ``out``; restart behind unusable samples. ``state`` float64 (N_FILTER_STATE,), updated."""
    b0, b1, b2, a1, a2 = sections[0]
    c0, c1, c2, d1, d2 = sections[1]
    e0, e1, e2, f1, f2 = sections[2]
    base, n1, n2, p1, p2, q1, q2, running = state
    for t in range(len(mv)):
        if unusable[t]:
            running = 0.0
            out[t], valid[t] = 0.0, False
            continue
        x = mv[t] + _DENORMAL_GUARD
        if running == 0.0:
            base, running = x, 1.0
            n1 = n2 = p1 = p2 = q1 = q2 = 0.0
        base += baseline_step * (x - base)
        x -= base
        z = b0 * x + n1
        n1 = (b1 * x + n2) - a1 * z
        n2 = b2 * x - a2 * z
        u = c0 * z + p1
        p1 = (c1 * z + p2) - d1 * u
        p2 = c2 * z - d2 * u
        y = e0 * u + q1
        q1 = (e1 * u + q2) - f1 * y
        q2 = e2 * u - f2 * y
        out[t], valid[t] = y, True
    state[0], state[1], state[2], state[3] = base, n1, n2, p1
    state[4], state[5], state[6], state[7] = p2, q1, q2, running


@njit(cache=True, nogil=True)
def filter_lanes(mv, baseline_step, sections, state):
    """``filter_lead`` of LANES channels that have begun and lack no sample, with the same results to the last digit.

    ``mv`` float64 (T, LANES), overwritten; ``state`` float64 (N_FILTER_STATE, LANES), updated.
    """
    b0, b1, b2, a1, a2 = sections[0]
    c0, c1, c2, d1, d2 = sections[1]
    e0, e1, e2, f1, f2 = sections[2]
    for t in range(len(mv)):
        for i in range(LANES):
            x = mv[t, i] + _DENORMAL_GUARD
            state[0, i] += baseline_step * (x - state[0, i])
            x -= state[0, i]
            z = b0 * x + state[1, i]
            state[1, i] = (b1 * x + state[2, i]) - a1 * z
            state[2, i] = b2 * x - a2 * z
            u = c0 * z + state[3, i]
            state[3, i] = (c1 * z + state[4, i]) - d1 * u
            state[4, i] = c2 * z - d2 * u
            y = e0 * u + state[5, i]
            state[5, i] = (e1 * u + state[6, i]) - f1 * y
            state[6, i] = e2 * u - f2 * y
            mv[t, i] = y


@njit(cache=True, nogil=True)
def filter_together(lanes, slots, filters, state, out, valid):
    """``filter_lanes`` of the first channels of ``lanes`` (T, LANES), which belong to ``slots`` (n,): from and to
    ``state`` (N_LEADS, N_FILTER_STATE), into ``out`` and ``valid`` (N_LEADS, T)."""
    side = np.zeros((N_FILTER_STATE, LANES))
    for i in range(len(slots)):
        for k in range(N_FILTER_STATE):
            side[k, i] = state[slots[i], k]
    filter_lanes(lanes, *filters, side)
    for i in range(len(slots)):
        for k in range(N_FILTER_STATE):
            state[slots[i], k] = side[k, i]
        filtered, of_lead = out[slots[i]], valid[slots[i]]
        for t in range(len(lanes)):
            filtered[t] = lanes[t, i]
        for t in range(len(lanes)):
            of_lead[t] = True


@njit(cache=True, nogil=True)
def filter_rows(places, signal, resampler, filters, state, out):
    """Resample and filter every channel of every row.

    ``places``: rows, hop within the segment and origin, int64 (R,); ``signal``: raw, slots, mv_per_adu, baseline as in
    RawBlock, and its pacer marks, (R, 0) where there are none; ``out``: ecg_mv, valid and pace as in Conditioned,
    unusable, uint8 (R, C, T), and lacking, bool (R, C): whether any of it is.
    """
    rows, hop, origin = places
    raw, slots, mv_per_adu, baseline, marked = signal
    up, down, weights = resampler
    spans = pacing_samples(GRID_HZ * up / down)
    ecg_mv, valid, pace, unusable, lacking = out
    n_samples = ecg_mv.shape[2]
    newest, phase = np.empty(n_samples, np.int64), np.empty(n_samples, np.int64)
    grid_mv, native_mv, calm_mv = np.empty(n_samples), np.empty(raw.shape[2]), np.empty(raw.shape[2])
    over = np.zeros(raw.shape[2], np.bool_)
    lanes, lane_slots = np.zeros((n_samples, LANES)), np.empty(LANES, np.int64)
    for r in range(len(rows)):
        n_lanes, all_calm, unmarked = 0, True, not marked[r].any()
        place_grid(up, down, len(weights) - 1, hop[r] * HOP_SAMPLES, origin[r], newest, phase)
        for c in range(raw.shape[1]):
            slot, scale, zero = slots[r, c], float(mv_per_adu[r, c]), float(baseline[r, c])
            trace, why = raw[r, c], unusable[r, c]
            calm = unmarked and is_calm(trace, scale, zero, spans[0])
            all_calm &= calm
            if calm and weights.shape[1] == 1:  # as it came: there is nothing to hold or to weigh
                own = trace[newest[0] : newest[0] + n_samples]
                for t in range(n_samples):
                    grid_mv[t] = (own[t] - zero) * scale
            else:
                for m in range(len(trace)):
                    native_mv[m] = (trace[m] - zero) * scale
                hold_pacing(native_mv, trace, marked[r], spans, calm_mv, over)
                resample_lead(calm_mv, weights, newest, phase, grid_mv)
            lacking[r, c] = mark_unusable(trace, weights.shape[1], newest, why)
            if lacking[r, c] or state[rows[r], slot, -1] == 0.0:
                filter_lead(grid_mv, why, *filters, state[rows[r], slot], ecg_mv[r, slot], valid[r, slot])
                continue
            lane_slots[n_lanes] = slot
            for t in range(n_samples):
                lanes[t, n_lanes] = grid_mv[t]
            n_lanes += 1
        filter_together(lanes, lane_slots[:n_lanes], filters, state[rows[r]], ecg_mv[r], valid[r])
        if not all_calm:
            place_pacing(over, marked[r], spans[2], up, down, hop[r] * HOP_SAMPLES, origin[r], pace[r])
            over[:] = False
