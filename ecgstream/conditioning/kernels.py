"""Per-sample work on one lead: resampling and filtering. Compiled; nothing here allocates."""

from __future__ import annotations

from numba import njit

from ..waveform import CODE_LEAD_OFF, CODE_LIMIT, Reason

_LIMIT = int(CODE_LIMIT)
_LEAD_OFF_CODE = int(CODE_LEAD_OFF)
_MISSING = int(Reason.MISSING)
_LEAD_OFF = int(Reason.LEAD_OFF)

N_FILTER_STATE = 10
"""Baseline, two values of each of three sections, two past samples for the roughness, and whether any of it is set."""
_DENORMAL_GUARD = 1e-20
"""Keeps an exactly flat lead's state from decaying into denormal numbers, which processors handle slowly."""


@njit(cache=True, nogil=True)
def resample_lead(native_mv, up, down, weights, first_grid, origin, out):
    """``out[t]`` is grid sample ``first_grid + t``; the segment's native sample n lies at ``native_mv[n + origin]``."""
    phases, taps = weights.shape[0] - 1, weights.shape[1]
    for t in range(len(out)):
        position = (first_grid + t) * up
        oldest = position // down + origin - taps + 1
        phase = ((position % down) * phases + down // 2) // down
        total = 0.0
        for k in range(taps):
            total += weights[phase, k] * native_mv[oldest + k]
        out[t] = total


@njit(cache=True, nogil=True)
def mark_unusable(raw, up, down, taps, first_grid, origin, unusable):
    """``unusable[t]``: 0, or the Reason why a native sample read for grid sample ``first_grid + t`` is unusable."""
    seen = first_grid * up // down + origin - taps
    bad, why = -1, 0
    for t in range(len(unusable)):
        newest = (first_grid + t) * up // down + origin
        while seen < newest:
            seen += 1
            if raw[seen] < _LIMIT:
                bad = seen
                why = _LEAD_OFF if raw[seen] == _LEAD_OFF_CODE else _MISSING
        unusable[t] = why if bad > newest - taps else 0


@njit(cache=True, nogil=True)
def filter_lead(mv, unusable, baseline_step, sections, state, out, valid, rough):
    """Filter ``mv`` into ``out``; restart behind unusable samples. ``rough``: size of the second difference before the
    low-pass, mV. ``state`` float64 (N_FILTER_STATE,), updated."""
    b0, b1, b2, a1, a2 = sections[0]
    c0, c1, c2, d1, d2 = sections[1]
    e0, e1, e2, f1, f2 = sections[2]
    base, n1, n2, p1, p2, q1, q2, z1, z2, running = state
    for t in range(len(mv)):
        if unusable[t]:
            running = 0.0
            out[t], valid[t], rough[t] = 0.0, False, 0.0
            continue
        x = mv[t] + _DENORMAL_GUARD
        if running == 0.0:
            base, running = x, 1.0
            n1 = n2 = p1 = p2 = q1 = q2 = z1 = z2 = 0.0
        base += baseline_step * (x - base)
        x -= base
        z = b0 * x + n1
        n1 = b1 * x - a1 * z + n2
        n2 = b2 * x - a2 * z
        u = c0 * z + p1
        p1 = c1 * z - d1 * u + p2
        p2 = c2 * z - d2 * u
        y = e0 * u + q1
        q1 = e1 * u - f1 * y + q2
        q2 = e2 * u - f2 * y
        out[t], valid[t], rough[t] = y, True, abs(z - 2 * z1 + z2)
        z2, z1 = z1, z
    state[0], state[1], state[2], state[3], state[4] = base, n1, n2, p1, p2
    state[5], state[6], state[7], state[8], state[9] = q1, q2, z1, z2, running
