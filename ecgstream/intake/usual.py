"""Chunks about which there is nothing to decide, as nearly all are: one kernel gives each its place and copies it.

What comes of a chunk is the same as by ``Intake.accept``.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from ..waveform import HOP_SAMPLES
from .arena import Slab
from .clock_fit import ahead_s, observe
from .kernels import put_ring
from .streams import StreamTable
from .tracks import BASE_NS, DRIFT, FRONTIER, HZ, LAST_N, NEXT_SEQUENCE, SEEN

ROW, ARRIVED_NS, SEQUENCE, START_NS, AT, N_BYTES, MARKS_FROM, MARKS_TO = range(8)
"""Columns of a chunk: AT and N_BYTES tell where in the buffer its samples lie, the last two which marks are its own."""
START, STOP, CHANNEL = range(3)
"""Columns of a mark; CHANNEL -1: of all."""


def place_usual(
    table: StreamTable,
    slabs: list[Slab],
    within: tuple[float, float],
    buffer: np.ndarray,
    chunks: np.ndarray,
    marks: np.ndarray,
) -> np.ndarray:
    """Place and copy ``chunks`` int64 (M, 8), at most one of a row, out of uint8 ``buffer``; bool (M,): which could be.

    Of the others nothing is changed. ``within``: how far a clock may be off the arrival, in ns, and off the fit, in s.
    ``marks`` int64 (K, 3): pace pulses.
    """
    placed = np.zeros(len(chunks), bool)
    rows = chunks[:, ROW]
    slab_of = table.slab[rows]
    for index in set(slab_of.tolist()):
        slab = slabs[index]
        _place_all(
            (table.tracks.counts, table.tracks.fits, table.tracks.starts),
            (table.slot, table.segment_hop, table.ready_hop, table.newest_grid),
            (table.last_arrival_ns, table.clock_wrong),
            (slab.samples, slab.stop, slab.packed, slab.invalid_value, slab.marks, slab.paced),
            (slab.rate.up, slab.rate.down, slab.in_ring),
            within,
            buffer,
            chunks,
            marks,
            slab_of == index,
            placed,
        )
    table.accepted += int(np.count_nonzero(placed))
    return placed


@njit(cache=True, nogil=True)
def _place_all(tracks, places, arrivals, slab, rate, within, buffer, chunks, marks, mine, placed):
    """``placed`` is set for those of ``mine`` that were."""
    counts, fits, starts = tracks
    slots, segment_hop, ready_hop, newest_grid = places
    last_arrival_ns, clock_wrong = arrivals
    samples, stops, packed, invalid, marked, paced = slab
    up, down, in_ring = rate
    most_bytes = 2 * samples.shape[1] * samples.shape[2]
    narrow = np.empty(most_bytes // 2, np.int16)
    for m in np.flatnonzero(mine):
        chunk, row = chunks[m], chunks[m, ROW]
        slot = slots[row]
        first = stops[slot]
        n, rest = divmod(chunk[N_BYTES], 2 * samples.shape[1])
        room = packed[slot] + in_ring - first
        own = marks[chunk[MARKS_FROM] : chunk[MARKS_TO]]
        if rest or n == 0 or n > room or not _lie_within(own, n, samples.shape[1]):
            continue
        if not _follow(counts[row], fits[row], starts[row], chunk, n, within):
            continue
        put_ring(samples, slot, first, n, invalid, buffer, chunk[AT], narrow)
        _mark(marked[slot, 0], paced[slot : slot + 1], first, n, own)
        stops[slot] = first + n
        grid = -(-(first + n) * down // up)
        ready_hop[row] = segment_hop[row] + grid // HOP_SAMPLES
        newest_grid[row] = segment_hop[row] * HOP_SAMPLES + grid
        last_arrival_ns[row] = chunk[ARRIVED_NS]
        clock_wrong[row] = False
        placed[m] = True


@njit(cache=True, nogil=True)
def _lie_within(marks, n, n_channels):
    outside = 0
    for mark in marks:
        outside += not (mark[START] < mark[STOP] <= n and mark[CHANNEL] < n_channels)
    return outside == 0


@njit(cache=True, nogil=True)
def _mark(ring, paced, first, n, marks):
    """``Ring.mark``: 1 in ``ring`` (capacity,) where ``marks`` are among the next ``n`` samples, 0 where not."""
    if not paced[0]:
        if len(marks) == 0:
            return
        paced[0] = True
        ring[:] = 0
    for sample in range(first, first + n):
        ring[sample % len(ring)] = 0
    for mark in marks:
        for sample in range(first + mark[START], first + mark[STOP]):
            ring[sample % len(ring)] = 1


@njit(cache=True, nogil=True)
def _follow(counts, fit, starts, chunk, n, within):
    """``Timeline.follow`` of a row's track: next in sequence, and its clock believed. Else False, nothing changed."""
    wild_ns, clock_step_s = within
    start_ns, base_ns = chunk[START_NS], counts[BASE_NS]
    if chunk[SEQUENCE] != counts[NEXT_SEQUENCE] or abs(start_ns - chunk[ARRIVED_NS]) > wild_ns:
        return False
    x_s = counts[FRONTIER] / fit[HZ]
    step_s = ahead_s(fit, base_ns, x_s, start_ns) / (1.0 + fit[DRIFT])
    if not abs(step_s * fit[HZ]) <= clock_step_s * fit[HZ]:
        return False
    observe(fit, base_ns, x_s, start_ns)
    counts[FRONTIER] += n
    counts[NEXT_SEQUENCE], counts[LAST_N] = chunk[SEQUENCE] + 1, n
    starts[chunk[SEQUENCE] % SEEN] = start_ns
    return True
