"""From a place to memory: samples are copied into the arena once, and segments opened there."""

from __future__ import annotations

import math

from ..waveform import HOP_S, HOP_SAMPLES, STRIP_S, ChannelGroup, Layout
from .arena import Arena
from .placement import Placement
from .streams import Stream, StreamTable, names_by_slot

SIDE_TOLERANCE_S = 0.25
"""How far other groups may count away from the ECG before they are brought back into step."""
_LAST_HOPS = math.ceil(STRIP_S[1] / HOP_S) + 1
"""Hops into a segment from which on no strip still wants samples of the segment before."""


class Store:
    """Writes what has a place, as far as hops that nobody has taken yet, and what is kept before them, leave room."""

    def __init__(self, table: StreamTable, arena: Arena):
        self._table, self._arena = table, arena
        self.blocked: dict[int, None] = {}  # rows with chunks that found no room, in order

    def drain_blocked(self) -> None:
        """Try once more to place what had found no room."""
        blocked, self.blocked = self.blocked, {}
        for row in blocked:
            self.drain(self._table.by_row[row])

    def drain(self, stream: Stream) -> None:
        """Copy what has a place into the arena, as far as there is room."""
        while stream.queue:
            if not self._store(stream, stream.queue[0]):
                self.blocked[stream.row] = None
                return
            stream.queue.popleft()

    def _store(self, stream: Stream, placement: Placement) -> bool:
        """Whether all of the placement is in the arena now; what is done of it is taken off it."""
        row, chunk = stream.row, placement.item.chunk
        if placement.segment_hop >= 0:
            if not self._is_handed_out(row):
                return False
            self.open_segment(stream, placement.item.layout, placement.segment_hop)
            placement.segment_hop = -1
        after_gap = placement.gap > 0
        if after_gap:
            self._store_gap(stream, placement)
        if placement.gap or placement.item.n > self._table.room(stream):
            return False
        start = stream.ring.stop
        stream.ring.write(chunk.groups[0])
        self.mark_ready(stream)
        for group in chunk.groups[1:]:
            self._store_beside(stream, group, start, after_gap)
        return True

    def _store_gap(self, stream: Stream, placement: Placement) -> None:
        fits = min(placement.gap, self._table.room(stream))
        stream.ring.skip_to(stream.ring.stop + fits)
        placement.gap -= fits
        self.mark_ready(stream)

    def mark_ready(self, stream: Stream) -> None:
        """Say up to where the stream's samples are there now."""
        table, row, ring = self._table, stream.row, stream.ring
        grid = ring.slab.rate.grid_stop(ring.stop)
        segment_hop = int(table.segment_hop[row])
        table.ready_hop[row] = segment_hop + grid // HOP_SAMPLES
        if stream.last is not None and table.next_hop[row] - segment_hop > _LAST_HOPS:
            stream.release_last()
        table.newest_grid[row] = segment_hop * HOP_SAMPLES + grid

    def _is_handed_out(self, row: int) -> bool:
        """Ends the running segment, its last hop filled up with missing samples; whether all of it has been taken."""
        table = self._table
        table.ready_hop[row] = -(-int(table.newest_grid[row]) // HOP_SAMPLES)
        return bool(table.ready_hop[row] == table.next_hop[row])

    def open_segment(self, stream: Stream, layout: Layout, hop: int) -> None:
        """Begin a segment at ``hop``; the one before stays readable for a while."""
        stream.retire(int(self._table.segment_hop[stream.row]))
        stream.ring = self._arena.ring(layout)
        stream.lead_names = names_by_slot(layout)
        table, row = self._table, stream.row
        table.slab[row], table.slot[row] = self._arena.index(layout), stream.ring.slot
        table.segment_hop[row] = table.next_hop[row] = table.ready_hop[row] = hop
        table.newest_grid[row] = hop * HOP_SAMPLES

    def _store_beside(self, stream: Stream, group: ChannelGroup, ecg_start: int, after_gap: bool) -> None:
        """Other groups follow their own count, and the ECG's where they must: after a gap, or when out of step."""
        kind = group.layout.kind
        ring = stream.others.get(kind)
        if ring is None or ring.layout != group.layout:
            if ring is not None:
                ring.release()
            ring = stream.others[kind] = self._arena.ring(group.layout)
        place = round(ecg_start * group.layout.fs_hz / stream.ring.layout.fs_hz)
        if after_gap or abs(place - ring.stop) > SIDE_TOLERANCE_S * group.layout.fs_hz:
            ring.skip_to(place)
        ring.write(group)
