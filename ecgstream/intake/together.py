"""Chunks about which there is nothing to decide: each gets its place at once, and all are copied together."""

from __future__ import annotations

import numpy as np

from ..settings import IntakeSettings
from ..waveform import PlainChunk
from .arena import Slab
from .kernels import put_all
from .streams import Stream, StreamTable


class Together:
    """Chunks whose samples lie in one buffer; at most one of a stream waits to be copied.

    What comes of a chunk is the same as by ``Intake.accept``.
    """

    __slots__ = ("_table", "_wild_ns", "_buffer", "_placed", "_waiting")

    def __init__(self, table: StreamTable, settings: IntakeSettings, buffer: np.ndarray):
        self._table = table
        self._wild_ns = settings.wild_clock_s * 1e9
        self._buffer = buffer
        self._placed: dict[Slab, list[tuple[int, ...]]] = {}
        self._waiting: set[str] = set()

    def __contains__(self, stream_id: str) -> bool:
        """Whether a chunk of the stream waits to be copied: then nothing may be asked of the stream."""
        return stream_id in self._waiting

    def place(self, chunk: PlainChunk, arrived_ns: int) -> bool:
        """Give the chunk its place. False, and nothing changed, for one that ``Intake.accept`` must look at."""
        table = self._table
        row = table.row_of.get(chunk.stream_id)
        if row is None or abs(chunk.start_ns - arrived_ns) > self._wild_ns:
            return False
        stream: Stream = table.by_row[row]
        ring = stream.ring
        if ring is None or stream.queue or stream.last or chunk.n > table.room(stream):
            return False
        if not stream.timeline.follow(chunk.sequence, chunk.start_ns, chunk.layout, chunk.n):
            return False
        placed = row, ring.slot, ring.stop, chunk.n, chunk.at, arrived_ns
        self._placed.setdefault(ring.slab, []).append(placed)
        self._waiting.add(chunk.stream_id)
        ring.mark(chunk.pacer, chunk.n)
        ring.stop += chunk.n
        return True

    def copy(self) -> None:
        """Copy the samples of all that wait into the arena."""
        if not self._placed:
            return
        for slab, placed in self._placed.items():
            rows, slots, first, n, at, arrived_ns = np.ascontiguousarray(np.array(placed, np.int64).T)
            put_all(slab.samples, slab.invalid_value, slots, first, n, self._buffer, at)
            self._table.note(slab, rows, first + n, arrived_ns)
        self._placed.clear()
        self._waiting.clear()
