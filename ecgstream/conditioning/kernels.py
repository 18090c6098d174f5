"""Per-sample work: resampling and filtering. Compiled.

A compiled function is cached by its own file alone, so none here calls one of another file: a change elsewhere would go
unnoticed.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from ..waveform import CODE_LEAD_OFF, CODE_LIMIT, GRID_HZ, HOP_SAMPLES, Reason

_LIMIT = int(CODE_LIMIT)
_LEAD_OFF_CODE = int(CODE_LEAD_OFF)
_MISSING = int(Reason.MISSING)
_LEAD_OFF = int(Reason.LEAD_OFF)

N_FILTER_STATE = 8
"""Baseline, two values of each of three sections, and whether any of it is set."""
LANES = 16
"""Channels filtered side by side: each waits for its own last result, so that more of them take hardly longer."""
PACED_FROM_HZ = 250
"""Slower monitors have smeared a pace pulse beyond telling."""
_SPIKE_MV = 0.5
_RISE_S, _QUIET_S, _HELD_S = 0.004, 0.02, 0.008
_QUIET_SHARE = 0.2
"""A pace pulse rises this much within 4 ms out of a trace that moved less than a fifth of it in the 20 ms before, and
is over 8 ms later (IEC 60601-2-27: 0.1 to 2 ms; the rest are the monitor's filters). A QRS gathers speed first."""
PACE_LATE = round(_HELD_S * GRID_HZ)
"""Grid samples from a pace pulse to where ``Conditioned.pace`` tells of it: what does not come back is a step."""
_MARKED_S = 0.02
"""A mark of the monitor is followed for so long; history holds no more."""
_BACK_SHARE = 0.5
"""What has not come back so far when a pulse is over is a step, and no pace pulse is told of."""
_DENORMAL_GUARD = 1e-20
"""Keeps an exactly flat lead's state from decaying into denormal numbers, which processors handle slowly."""


@njit(cache=True, nogil=True)
def place_grid(up, down, phases, first_grid, origin, newest, phase):
    """Where each grid sample lies among native ones: the index of the newest it may read, and how far past it.

    Entry t is the segment's grid sample ``first_grid + t``; the segment's native sample n has index ``n + origin``.
    """
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
def pacing_samples(fs_hz):
    """Samples that a pulse rises, that are quiet before, that it is held, that a mark is followed; 0: too slow."""
    if fs_hz < PACED_FROM_HZ:
        return 0, 0, 0, 0
    return int(fs_hz * _RISE_S + 0.5), int(fs_hz * _QUIET_S), int(fs_hz * _HELD_S + 0.5), int(fs_hz * _MARKED_S)


@njit(cache=True, nogil=True)
def hold_pacing(mv, raw, marked, spans, out, over):
    """Copy ``mv`` into ``out``, the level before a pace pulse held until it is over; both (M,) at the native rate.

    ``raw`` (M,) tells what was measured; ``marked`` bool (M,) or empty; ``spans`` from ``pacing_samples``; ``over``
    bool (M,) is set where a pulse found has come back. All depends on the few samples before alone, so that a block
    may begin anywhere.
    """
    rise, quiet, held, followed = spans
    for m in range(len(mv)):
        out[m] = mv[m]
    if rise == 0:
        return
    n_steep = 0
    risen, before = mv[rise + quiet :], mv[quiet : len(mv) - rise]  # views, as these compile to vector instructions
    for m in range(len(risen)):
        n_steep += abs(risen[m] - before[m]) >= _SPIKE_MV
    if n_steep + len(marked) == 0:
        return
    for m in range(rise + quiet, len(mv)):
        size = mv[m] - mv[m - rise]
        if abs(size) >= _SPIKE_MV and _was_quiet(mv, raw, m, rise, quiet, _QUIET_SHARE * abs(size)):
            out[m : m + held] = mv[m - 3 * rise]
            if m + held < len(mv) and _comes_back(mv, raw, m - rise, m + held):
                over[m + held] = True
    for m in range(1, len(marked)):
        if marked[m]:
            for k in range(m - 1, max(m - 1 - followed, -1), -1):
                if raw[k] < _LIMIT:
                    break
                if not marked[k]:
                    out[m] = mv[k]
                    break


@njit(cache=True, nogil=True)
def _was_quiet(mv, raw, m, rise, quiet, most):
    """Whether the samples before a rise that ends at ``m`` were measured and moved no more than ``most``."""
    for k in range(m - rise - quiet, m + 1):
        if raw[k] < _LIMIT or (k < m - rise and abs(mv[k] - mv[m - rise]) > most):
            return False
    return True


@njit(cache=True, nogil=True)
def _comes_back(mv, raw, before, after):
    """Whether a trace that left its level at index ``before`` is back at ``after``."""
    most = 0.0
    for k in range(before, after + 1):
        if raw[k] < _LIMIT:
            return False
        most = max(most, abs(mv[k] - mv[before]))
    return abs(mv[after] - mv[before]) <= _BACK_SHARE * most


@njit(cache=True, nogil=True)
def place_pacing(over, marked, held, up, down, first_grid, origin, pace):
    """Set ``pace`` bool (T,) at the first grid sample that has seen the end of a pulse, ``held`` behind a mark's first.

    The block's grid samples begin at ``first_grid``; the segment's native sample n has index ``n + origin``.
    """
    for m in range(len(over)):
        ends = over[m]
        if not ends and held <= m < len(marked):
            ends = marked[m - held] and (m == held or not marked[m - held - 1])
        if ends:
            t = -((origin - m) * down // up) - first_grid  # rounded up
            if 0 <= t < len(pace):
                pace[t] = True


@njit(cache=True, nogil=True)
def mark_unusable(raw, taps, newest, unusable):
    """``unusable[t]``: 0, or the Reason why one of the ``taps`` native samples up to ``newest[t]`` is unusable; returns
    whether any native sample is."""
    unusable[:] = 0
    lowest = _LIMIT
    for value in raw:
        lowest = min(lowest, value)
    if lowest == _LIMIT:
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
    RawBlock, and its pacer marks, (R, 0) where there are none; ``out``: ecg_mv, valid and pace as in Conditioned, and
    unusable, uint8 (R, C, T).
    """
    rows, hop, origin = places
    raw, slots, mv_per_adu, baseline, marked = signal
    up, down, weights = resampler
    spans = pacing_samples(GRID_HZ * up / down)
    ecg_mv, valid, pace, unusable = out
    n_samples = ecg_mv.shape[2]
    newest, phase = np.empty(n_samples, np.int64), np.empty(n_samples, np.int64)
    grid_mv, native_mv, calm_mv = np.empty(n_samples), np.empty(raw.shape[2]), np.empty(raw.shape[2])
    over = np.empty(raw.shape[2], np.bool_)
    lanes, lane_slots = np.zeros((n_samples, LANES)), np.empty(LANES, np.int64)
    for r in range(len(rows)):
        over[:] = False
        n_lanes = 0
        place_grid(up, down, len(weights) - 1, hop[r] * HOP_SAMPLES, origin[r], newest, phase)
        for c in range(raw.shape[1]):
            slot, scale, zero = slots[r, c], float(mv_per_adu[r, c]), float(baseline[r, c])
            for m in range(raw.shape[2]):
                native_mv[m] = (raw[r, c, m] - zero) * scale
            hold_pacing(native_mv, raw[r, c], marked[r], spans, calm_mv, over)
            resample_lead(calm_mv, weights, newest, phase, grid_mv)
            lacking = mark_unusable(raw[r, c], weights.shape[1], newest, unusable[r, c])
            if lacking or state[rows[r], slot, -1] == 0.0:
                filter_lead(grid_mv, unusable[r, c], *filters, state[rows[r], slot], ecg_mv[r, slot], valid[r, slot])
                continue
            lane_slots[n_lanes] = slot
            for t in range(n_samples):
                lanes[t, n_lanes] = grid_mv[t]
            n_lanes += 1
        filter_together(lanes, lane_slots[:n_lanes], filters, state[rows[r]], ecg_mv[r], valid[r])
        place_pacing(over, marked[r], spans[2], up, down, hop[r] * HOP_SAMPLES, origin[r], pace[r])
