"""Intake: chunks in, blocks of complete hops out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..errors import IntakeError, StateError
from ..settings import IntakeSettings
from ..waveform import HOP_SAMPLES, Chunk, GroupKind, Layout, RawBlock
from .arena import Arena, Ring, Stretch
from .blocks import take_blocks
from .limits import check_rate
from .pieces import in_pieces
from .placement import KINDS, Item
from .snapshots import restore, resume, save, snapshot
from .store import Store
from .streams import NO_HOLD, Stream, StreamTable
from .usual import place_usual


class Intake:
    """Gives every sample its place and keeps the recent ones of every stream.

    One owner: calls must not overlap. What comes out depends on samples, sequence numbers and start times only; the
    arrival time matters for silence, and for clocks that are wild. A hop is complete when its last native sample is
    placed; where samples are missing, ``lateness_s`` of later ones must have come first (``Timeline``).
    """

    def __init__(self, settings: IntakeSettings):
        self._settings = settings
        self.counts: Counter[str] = Counter(dict.fromkeys(KINDS, 0))
        self._table = StreamTable(settings, self.counts)
        self._arena = Arena(settings.ring_s)
        self._store = Store(self._table, self._arena)
        self.row_of = self._table.row_of
        self.row_of_bytes, self.usual = self._table.row_of_bytes, self._table.usual
        self.learn_usual = self._table.learn_usual
        self.active = self._table.active
        self.clock_wrong = self._table.clock_wrong
        self.last_arrival_ns = self._table.last_arrival_ns
        self.newest_grid = self._table.newest_grid
        self.next_hop = self._table.next_hop
        self.ready_hop = self._table.ready_hop
        self.hold_hop = self._table.hold_hop

    @property
    def n_rows(self) -> int:
        """Rows ever used; arrays over rows have room for ``max_streams``."""
        return len(self._table.by_row)

    @property
    def accepted(self) -> int:
        """Chunks taken in, ever."""
        return self._table.accepted

    # -------------------------------------------------------------------------------------------------------------- in

    def accept(self, chunk: Chunk, arrived_ns: int, came_ns: int | None = None) -> bool:
        """Take a chunk in. False, and nothing taken, while an earlier chunk of the stream finds no room: then call
        ``take`` until it gives nothing, and offer the chunk again; it is accepted then. ``came_ns`` is when it came to
        the log it was read from, if to one: what a wrong clock is told by, and stamped with.

        Raises IntakeError for a chunk that can have no place; its ``reason`` is ``unusable_rate`` or
        ``too_many_streams``. A duplicate or a late chunk is counted, and accepted.
        """
        ecg = chunk.groups[0]
        n = ecg.samples.shape[1]
        try:
            stream = self._stream(chunk.stream_id, ecg.layout)
        except IntakeError:
            self.counts["refused"] += 1
            raise
        row = stream.row
        self._table.usual[row] = None  # until it is seen that there is nothing to decide any more
        if row in self._store.blocked:
            self.counts["blocked"] += 1
            return False
        self.last_arrival_ns[row] = arrived_ns
        for placement in stream.timeline.offer(self._stamped(row, chunk, n, came_ns or arrived_ns)):
            slab = self._arena.slabs[self._arena.index(placement.item.layout)]
            stream.queue.extend(in_pieces(placement, slab.most_samples))
        self._store.drain(stream)
        self._table.accepted += 1
        return True

    def accept_usual(self, buffer: np.ndarray, chunks: np.ndarray, marks: np.ndarray) -> np.ndarray:
        """Take in those of ``chunks`` int64 (M, 8), of rows that differ, about which there is nothing to decide; bool
        (M,): which were. Columns: row, arrived_ns, sequence, start_ns, where in uint8 ``buffer`` the samples begin and
        how many bytes they are (little-endian int16, one channel after the other), and the first of its own ``marks``
        of pace pulses, int64 (K, 3), and the one behind them."""
        within = self._settings.wild_clock_s * 1e9, self._settings.clock_step_s
        return place_usual(self._table, self._arena.slabs, within, buffer, chunks, marks)

    def _stream(self, stream_id: str, layout: Layout) -> Stream:
        """The chunk's stream, admitted if new; nothing is changed when the chunk is refused."""
        row = self.row_of.get(stream_id)
        stream = None if row is None else self._table.by_row[row]
        if stream is None or stream.checked is not layout:
            check_rate(stream_id, layout.fs_hz)
            stream = stream or self._table.admit(stream_id)
            stream.checked = layout
        return stream

    def _stamped(self, row: int, chunk: Chunk, n: int, came_ns: int) -> Item:
        wild = abs(chunk.start_ns - came_ns) > self._settings.wild_clock_s * 1e9
        self.clock_wrong[row] = wild
        if not wild:
            return Item(chunk, chunk.start_ns, True, n)
        self.counts["wild_clock"] += 1
        return Item(chunk, came_ns - round(n / float(chunk.groups[0].layout.fs_hz) * 1e9), False, n)

    # ------------------------------------------------------------------------------------------------------------- out

    def take(self, max_hops: int, apart: np.ndarray | None = None) -> list[RawBlock]:
        """The next complete hops of every row that has some, at most ``max_hops`` of a row; nothing when all are taken.
        No block holds both rows that are ``apart``, bool (rows,), and rows that are not.

        Blocks hold copies. What had found no room is placed first, so that the samples before a block stay readable
        until the next call.
        """
        self._store.drain_blocked()
        return take_blocks(self._table, self._arena.slabs, max_hops, apart)

    def window(self, row: int, kind: GroupKind, grid_start: int, grid_stop: int) -> tuple[Layout, np.ndarray] | None:
        """Layout and int16 (channels, samples) of a group between two grid samples; None when the stream has no such
        group. CODE_MISSING where nothing was received, or nothing is held any more: the arena holds ``KEPT_S`` before
        the next hop of the running segment."""
        stream = self._table.by_row[row]
        ring: Ring | None = stream.ring if kind == GroupKind.ECG else stream.others.get(kind)
        if ring is None:
            return None
        origin = int(self._table.segment_hop[row]) * HOP_SAMPLES
        first, stop = (ring.slab.rate.native(int(grid) - origin) for grid in (grid_start, grid_stop))
        return ring.layout, ring.read(first, stop)

    def stretch(self, row: int, start: int, stop: int, judged: int) -> Stretch | None:
        """The ECG between two grid samples that lie at most ``KEPT_S`` back, of the segment in which grid sample
        ``judged`` is, on its own count of samples; None when nothing is held of that segment any more.

        The same however the samples came: whatever lies behind ``stop`` is left out, received or not.
        """
        stream, origin = self._table.by_row[row], int(self._table.segment_hop[row]) * HOP_SAMPLES
        ring = stream.ring
        if judged < origin and stream.last is not None:
            ring, origin = stream.last, stream.last_hop * HOP_SAMPLES
        if ring is None or judged < origin:
            return None
        rate = ring.slab.rate
        first = rate.native_from(start - origin)
        return Stretch(ring.layout, first, ring.read(first, rate.native(stop - 1 - origin) + 1))

    # ------------------------------------------------------------------------------------------------------------ rows

    def stream_id(self, row: int) -> str:
        """Whose row it is."""
        return self._table.by_row[row].stream_id

    def lead_names(self, row: int) -> tuple[str, ...]:
        """Names of the lead slots: a generic slot goes by its channel's own name."""
        return self._table.by_row[row].lead_names

    def time_ns(self, row: int, grid_sample: int) -> int:
        """UTC of a grid sample, nanoseconds since 1970, by a slow fit through the monitor's own start times."""
        return self._table.by_row[row].timeline.time_ns(int(grid_sample))

    def grid_at(self, row: int, time_ns: int) -> int:
        """The grid sample nearest to a UTC time by the same fit; samples of it may not have come, or never come."""
        return self._table.by_row[row].timeline.grid_at(time_ns)

    def stale(self, now_ns: int) -> list[int]:
        """Rows without a chunk for more than ``stale_s``."""
        return self._table.silent(now_ns, self._settings.stale_s)

    def evict(self, now_ns: int) -> list[int]:
        """Forget streams without a chunk for more than ``evict_s``; their rows, free for others from now on."""
        rows = self._table.silent(now_ns, self._settings.evict_s)
        for row in rows:
            self.forget(row)
        self.counts["evicted"] += len(rows)
        return rows

    def forget(self, row: int) -> None:
        """Let go of a stream; its row is free for others from now on."""
        self._store.blocked.pop(row, None)
        self._table.evict(row)

    def break_off(self, row: int) -> None:
        """End the running segment here and drop what waits, as if the row had been saved and restored."""
        stream = self._table.by_row[row]
        stream.queue.clear()
        self._store.blocked.pop(row, None)
        self._table.usual[row] = None
        stream.timeline.break_off()
        if stream.timeline.rate is not None:
            self._begin_next(stream)

    def save(self, row: int) -> dict[str, Any]:
        """The row's timeline as JSON values, for ``restore``."""
        state = save(self._table.by_row[row].timeline)
        return state | {"last_arrival_ns": int(self.last_arrival_ns[row])}

    def restore(self, stream_id: str, state: dict[str, Any]) -> int:
        """Take a stream up where ``save`` left it; its row. Its next chunk begins a segment, at the hop its clock says;
        what was missed is counted as a gap. Raises StateError when the state is not readable or the stream is here."""
        with self._taken_up(stream_id) as stream:
            restore(stream.timeline, state)
            self.last_arrival_ns[stream.row] = int(state["last_arrival_ns"])
            self._begin_next(stream)
        return stream.row

    def snapshot(self, row: int) -> dict[str, Any] | None:
        """The row's exact timeline as JSON values, for ``resume``; None while chunks wait for their place or room."""
        stream = self._table.by_row[row]
        return None if stream.queue else snapshot(stream.timeline)

    def resume(self, stream_id: str, taken: dict[str, Any], until_hop: int) -> int:
        """Take a stream up from the snapshot ``taken``, so that the chunks that came after it get the same places on
        the same segment once more; its row. What came before reads as missing: the first hop says ``new_segment``.

        The hops from ``until_hop`` on are held until ``release_hold``. Raises StateError as ``restore`` does.
        """
        with self._taken_up(stream_id) as stream:
            timeline, table = stream.timeline, self._table
            resume(timeline, taken)
            if timeline.layout is not None:
                self._store.open_segment(stream, timeline.layout, timeline.segment_hop)
                stream.ring.begin_at(timeline.frontier)
                self._store.mark_ready(stream)
                table.next_hop[stream.row] = table.ready_hop[stream.row]
                table.cold[stream.row] = True
            elif timeline.rate is not None:
                self._begin_next(stream)
            table.hold_hop[stream.row] = until_hop
        return stream.row

    def is_held(self, rows: np.ndarray) -> np.ndarray:
        """bool (R,): whether hops of the rows are held back."""
        return self.hold_hop[rows] < NO_HOLD

    def release_hold(self, row: int) -> None:
        """Hand out the row's hops again."""
        self.hold_hop[row] = NO_HOLD

    @contextmanager
    def _taken_up(self, stream_id: str) -> Iterator[Stream]:
        """A fresh row for the stream, given back when its state turns out not to be readable."""
        if stream_id in self.row_of:
            raise StateError(f"Stream {stream_id!r} is running; restore its state before its first chunk.")
        stream = self._table.admit(stream_id)
        try:
            yield stream
        except (KeyError, TypeError, ValueError, ArithmeticError) as error:
            self._table.evict(stream.row)
            raise StateError(f"The saved timeline of stream {stream_id!r} cannot be read ({error!r}).") from error

    def _begin_next(self, stream: Stream) -> None:
        """Without a running segment: hops go on behind the last of the segment before."""
        row, newest = stream.row, stream.timeline.newest_grid
        self.newest_grid[row] = newest
        self._table.ready_hop[row] = self._table.next_hop[row] = -(-newest // HOP_SAMPLES)
