"""Loops over rows that NumPy would take many passes for. Compiled; all kernels of this room lie in this file."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def tally(values, edges, counts, sums):
    """Add to ``counts`` int64 (S, edges + 1) how many of ``values`` (N, S) lie up to each edge, and beyond the last,
    and their sums to ``sums`` (S,); rows of which any is NaN to neither."""
    for row in values:
        if np.isnan(row).any():
            continue
        for s in range(len(row)):
            place = 0
            while place < len(edges) and row[s] > edges[place]:
                place += 1
            counts[s, place] += 1
            sums[s] += row[s]


@njit(cache=True, nogil=True)
def sums_of_last(counts, rows, stop, span, unseen, out):
    """For each row and hop the sum of ``counts`` (rows, ring) over ``span`` hops before hop ``stop``, int64 (R, n),
    into ``out``; -1 where one of them is ``unseen``. Stops rise by one, spans by no more; a ring's length is a power of
    two."""
    mask = counts.shape[1] - 1
    for r in range(len(rows)):
        ring = counts[rows[r]]
        total = n_unseen = 0
        first = last = stop[r, 0] - max(span[r, 0], 0)
        for k in range(stop.shape[1]):
            while last < stop[r, k]:
                value = ring[last & mask]
                total, n_unseen, last = total + value, n_unseen + (value == unseen), last + 1
            while first < stop[r, k] - max(span[r, k], 0):
                value = ring[first & mask]
                total, n_unseen, first = total - value, n_unseen - (value == unseen), first + 1
            out[r, k] = -1 if n_unseen else total


@njit(cache=True, nogil=True)
def follow_pulses(block, sample, followed, beats, times, chance):
    """The chance, float32 (K,), that a pace pulse has set off each beat, of the rule of ``diagnosis.pacing``.

    ``block``: rows, the sample from which its pulses count, int64 (R,), and pulses, bool (R, T); ``sample``,
    ``followed`` (rows, kept): pulses before, the newest last, and whether a beat followed, updated; ``beats``: rows and
    samples, in order of row; ``times``: nearest, farthest, apart, atrial, heeded, and what is written for no pulse.
    """
    rows, first, pace = block
    beat_rows, beat_samples = beats
    nearest, farthest, apart, atrial, most, never = times
    kept = sample.shape[1]
    pulses, met = np.empty(kept + pace.shape[1], np.int64), np.empty(kept + pace.shape[1], np.bool_)
    b = 0
    for r in range(len(rows)):
        row, n = rows[r], kept
        while b < len(beat_rows) and beat_rows[b] < row:
            b += 1
        if sample[row, -1] == never and not pace[r].any():
            continue
        pulses[:kept], met[:kept] = sample[row], followed[row]
        for t in range(pace.shape[1]):
            if pace[r, t] and first[r] + t - pulses[n - 1] > apart:
                pulses[n], met[n] = first[r] + t, False
                n += 1
        while b < len(beat_rows) and beat_rows[b] == row:
            chance[b] = _chance(pulses[:n], met, beat_samples[b], nearest, farthest, atrial, most, never)
            b += 1
        sample[row], followed[row] = pulses[n - kept : n], met[n - kept : n]


@njit(cache=True, nogil=True)
def _chance(pulses, met, beat, nearest, farthest, atrial, most, never):
    """That the beat was set off; marks the pulse before it in ``met``."""
    before = False
    for i in range(len(pulses)):
        if nearest <= beat - pulses[i] <= farthest:
            met[i] = before = True
    if not before:
        return 0.0
    n_heeded = n_met = 0
    later = beat + atrial + 1  # behind the last of them comes none
    for i in range(len(pulses) - 1, -1, -1):
        if beat - pulses[i] < nearest or pulses[i] == never:
            continue
        if later - pulses[i] > atrial and n_heeded < most:
            n_heeded, n_met = n_heeded + 1, n_met + met[i]
        later = pulses[i]
    return (n_met + 1) / (n_heeded + 2)
