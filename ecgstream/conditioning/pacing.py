"""Pace pulses out of raw samples, found or marked: held at the level before them. Compiled."""

from __future__ import annotations

import numpy as np
from numba import njit

from ..waveform import CODE_LIMIT, GRID_HZ

_LIMIT = int(CODE_LIMIT)

PACED_FROM_HZ = 250
"""Slower monitors have smeared a pace pulse beyond telling."""
_SPIKE_MV = 0.5
_RISE_S, _QUIET_S, _HELD_S = 0.004, 0.02, 0.008
_QUIET_SHARE = 0.2
"""A pace pulse rises this much within 4 ms out of a trace that moved less than a fifth of it in the 20 ms before, and
is over 8 ms later (IEC 60601-2-27: 0.1 to 2 ms; the rest are the monitor's filters). A QRS gathers speed first."""
PACE_LATE = round(_HELD_S * GRID_HZ)
"""Grid samples from a pace pulse to where ``Conditioned.pace`` tells of it: what does not come back is a step."""
_FAR_ADU = 1e9
"""A baseline so far off rounds what is measured from it by less than an adu still."""
_MARKED_S = 0.02
"""A mark of the monitor is followed for so long; history holds no more."""
_BACK_SHARE = 0.5
"""What has not come back so far when a pulse is over is a step, and no pace pulse is told of."""


@njit(cache=True, nogil=True)
def pacing_samples(fs_hz):
    """Samples that a pulse rises, that are quiet before, that it is held, that a mark is followed; 0: too slow."""
    if fs_hz < PACED_FROM_HZ:
        return 0, 0, 0, 0
    return int(fs_hz * _RISE_S + 0.5), int(fs_hz * _QUIET_S), int(fs_hz * _HELD_S + 0.5), int(fs_hz * _MARKED_S)


@njit(cache=True, nogil=True)
def is_calm(raw, mv_per_adu, baseline, rise):
    """Whether ``raw`` (M,) surely never rises steeply enough for ``hold_pacing`` to look closer: told from adu, by one
    adu less than enough, as volts are rounded; many samples are compared at once. ``rise`` 0: nobody looks."""
    if rise == 0:
        return True
    least = _SPIKE_MV / abs(mv_per_adu) - 1.0 if mv_per_adu != 0.0 else 0.0
    if not (least >= 1.0 and abs(baseline) < _FAR_ADU):
        return False
    limit = np.int32(min(least, 65536.0))
    risen, before = raw[rise:], raw[: len(raw) - rise]
    n_steep = np.int32(0)
    for m in range(len(risen)):
        n_steep += np.int32(abs(np.int32(risen[m]) - np.int32(before[m])) >= limit)
    return n_steep == 0


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
