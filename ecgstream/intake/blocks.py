"""Cuts complete hops of many rows out of the arena, rows of one shape together."""

from __future__ import annotations

import numpy as np

from ..waveform import RawBlock
from .arena import Slab
from .kernels import gather
from .streams import StreamTable

MOST_ROWS = 128
"""Rows of a block: what a step takes for a moment is bounded. With half of it a bed costs a tenth more."""
HOP_SIZES = (25, 5, 1)
"""Hops of a row handed out at a time: few sizes, so that rows share blocks and later stages see few shapes."""


def take_blocks(
    table: StreamTable, slabs: list[Slab], max_hops: int, apart: np.ndarray | None = None
) -> list[RawBlock]:
    """The next hops of every row that has some before its hold, at most ``max_hops`` a row; they count as handed out.

    Blocks are ordered by slab, then size, then row, no row in two of them; rows ``apart``, bool (rows,), are in blocks
    of their own, behind the others of their size. Costs one look at an array when nothing is ready.
    """
    n_rows = len(table.by_row)
    ready = np.minimum(table.ready_hop[:n_rows], table.hold_hop[:n_rows]) - table.next_hop[:n_rows]
    rows = np.flatnonzero(ready > 0)
    blocks = []
    for slab in np.unique(table.slab[rows]).tolist():
        mine = rows[table.slab[rows] == slab]
        n_hops = _sizes(ready[mine], max_hops)
        for size in np.unique(n_hops).tolist():
            alike = mine[n_hops == size]
            for together in [alike] if apart is None else [alike[~apart[alike]], alike[apart[alike]]]:
                for part in np.array_split(together, max(-(-len(together) // MOST_ROWS), 1)):
                    blocks += _cut(table, slabs[slab], part, size)
    return blocks


def _sizes(ready: np.ndarray, max_hops: int) -> np.ndarray:
    """The largest of HOP_SIZES that fits each row and ``max_hops``; int64 (rows,)."""
    return np.select([(ready >= size) & (size <= max_hops) for size in HOP_SIZES], HOP_SIZES, default=0)


def _cut(table: StreamTable, slab: Slab, rows: np.ndarray, n_hops: int) -> list[RawBlock]:
    """One block per count of native samples; more than one only where a hop is no whole number of them."""
    hop = table.next_hop[rows] - table.segment_hop[rows]
    first = slab.rate.native_stop(hop)
    n_native = slab.rate.native_stop(hop + n_hops) - first
    blocks = [
        _block(table, slab, rows[n_native == n], n_hops, first[n_native == n], n) for n in np.unique(n_native).tolist()
    ]
    table.next_hop[rows] += n_hops
    table.cold[rows] = False
    return blocks


def _block(
    table: StreamTable, slab: Slab, rows: np.ndarray, n_hops: int, first_native: np.ndarray, n_native: int
) -> RawBlock:
    slot, first_hop, segment_hop = table.slot[rows], table.next_hop[rows], table.segment_hop[rows]
    raw = slab.hand_out(slot, first_native, n_native)
    return RawBlock(
        rows=rows,
        n_hops=n_hops,
        first_hop=first_hop,
        segment_hop=segment_hop,
        new_segment=(first_hop == segment_hop) | table.cold[rows],
        fs_hz=slab.rate.fs_hz,
        history=slab.history,
        first_native=first_native,
        raw=raw,
        slots=slab.lead_slots[slot],
        mv_per_adu=slab.mv_per_adu[slot],
        baseline_adu=slab.baseline_adu[slot],
        pacer=_marks(slab, slot, first_native - slab.history, slab.stop[slot], slab.history + n_native),
    )


def _marks(slab: Slab, slots: np.ndarray, first: np.ndarray, stop: np.ndarray, n: int) -> np.ndarray | None:
    """bool (R, n): native samples from ``first`` (R,) on that the monitor marked as pace pulses; None where no row has
    any."""
    paced = slab.paced[slots]
    if not paced.any():
        return None
    return (gather(slab.marks, slots, first, stop, n)[:, 0] == 1) & paced[:, None]
