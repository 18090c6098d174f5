"""The table of streams: which row is whose, and what is known per row."""

from __future__ import annotations

import heapq
from collections import Counter, deque

import numpy as np

from ..errors import IntakeError
from ..settings import IntakeSettings
from ..waveform import LEADS, GroupKind, Layout
from .arena import Ring
from .placement import Placement
from .timeline import Timeline
from .tracks import no_tracks

NO_HOLD = 1 << 62
"""A hop after every other."""


class Stream:
    """One monitor's feed: its timeline, and its rings in the arena."""

    __slots__ = (
        "stream_id", "row", "timeline", "queue", "ring", "last", "last_hop", "others", "checked", "lead_names",
    )  # fmt: skip

    def __init__(self, stream_id: str, row: int, timeline: Timeline):
        self.stream_id, self.row, self.timeline = stream_id, row, timeline
        self.queue: deque[Placement] = deque()  # has a place, but no room yet
        self.ring: Ring | None = None  # ECG; None between segments
        self.last: Ring | None = None  # ECG of the segment before, while a strip may want samples of it
        self.last_hop = 0  # where that segment began
        self.others: dict[GroupKind, Ring] = {}
        self.checked: Layout | None = None  # the layout found to be acceptable
        self.lead_names = LEADS  # of the running segment, by slot: a generic slot goes by its channel's own name

    def retire(self, segment_hop: int) -> None:
        """The segment that began at ``segment_hop`` is over; its ECG is held a little longer."""
        self.release_last()
        self.last, self.last_hop, self.ring = self.ring, segment_hop, None
        for ring in self.others.values():
            ring.release()
        self.others.clear()

    def release_last(self) -> None:
        """Give the ring of the segment before back."""
        if self.last is not None:
            self.last.release()
            self.last = None

    def release(self) -> None:
        """Give all rings back."""
        self.retire(0)
        self.release_last()


class StreamTable:
    """Rows of streams. A row is used again once its stream is evicted: lowest free row first."""

    def __init__(self, settings: IntakeSettings, counts: Counter[str]):
        n = settings.max_streams
        self._settings, self._counts = settings, counts
        self.row_of: dict[str, int] = {}
        self.by_row: list[Stream | None] = []
        self._free: list[int] = []
        self.accepted = 0  # chunks, ever
        self.active = np.zeros(n, bool)
        self.clock_wrong = np.zeros(n, bool)
        self.last_arrival_ns = np.zeros(n, np.int64)
        self.newest_grid = np.zeros(n, np.int64)  # grid samples whose native samples are placed
        self.next_hop = np.zeros(n, np.int64)  # the next hop to hand out
        self.ready_hop = np.zeros(n, np.int64)  # hops before it are complete
        self.hold_hop = np.full(n, NO_HOLD, np.int64)  # hops from it on are not handed out for now
        self.cold = np.zeros(n, bool)  # what came before the next hop is not in the arena, though the segment goes on
        self.segment_hop = np.zeros(n, np.int64)
        self.slab = np.zeros(n, np.int64)
        self.slot = np.zeros(n, np.int64)
        self.tracks = no_tracks(n)
        self.row_of_bytes: dict[bytes, int] = {}  # by the stream id as it stands in a message
        self.usual: list[bytes | None] = []  # by row: its layout's bytes, while nothing has to be decided

    def admit(self, stream_id: str) -> Stream:
        """A row for a new stream. Raises IntakeError when all are taken."""
        row = self._take_row(stream_id)
        stream = Stream(stream_id, row, Timeline(self._settings, self._counts, self.tracks.of(row)))
        self.by_row[row], self.usual[row] = stream, None
        self.row_of[stream_id] = self.row_of_bytes[stream_id.encode()] = row
        self.active[row] = True
        return stream

    def evict(self, row: int) -> None:
        """Forget a stream and free its row."""
        stream = self.by_row[row]
        stream.release()
        del self.row_of[stream.stream_id], self.row_of_bytes[stream.stream_id.encode()]
        self.by_row[row] = None
        for column in (self.active, self.clock_wrong, self.newest_grid, self.next_hop, self.ready_hop, self.cold):
            column[row] = 0
        self.segment_hop[row] = 0
        self.hold_hop[row] = NO_HOLD
        heapq.heappush(self._free, row)

    def room(self, stream: Stream) -> int:
        """Native samples that may be written without touching a hop not handed out, or what is kept before it."""
        return stream.ring.slab.room(stream.ring.slot)

    def learn_usual(self, row: int, layout: Layout, layout_bytes: bytes) -> None:
        """``layout`` is told by these bytes: of the row's next chunk, if it tells the same, there is only sequence and
        clock to be looked at; unless chunks wait, or a segment has just begun."""
        stream = self.by_row[row]
        timeline = stream.timeline
        runs = stream.ring is not None and timeline.layout is layout and timeline.trusted
        if runs and not (timeline.held or stream.queue or stream.last):
            self.usual[row] = layout_bytes

    def silent(self, now_ns: int, for_s: float) -> list[int]:
        """Rows without a chunk for more than ``for_s``."""
        n = len(self.by_row)
        return np.flatnonzero(self.active[:n] & (now_ns - self.last_arrival_ns[:n] > for_s * 1e9)).tolist()

    def _take_row(self, stream_id: str) -> int:
        if self._free:
            return heapq.heappop(self._free)
        if len(self.by_row) >= self._settings.max_streams:
            raise IntakeError(
                "too_many_streams",
                f"Stream {stream_id!r} would be the {len(self.by_row) + 1}th; intake.max_streams allows "
                f"{self._settings.max_streams}. Raise it, or run another daemon.",
            )
        self.by_row.append(None)
        self.usual.append(None)
        return len(self.by_row) - 1


def names_by_slot(layout: Layout) -> tuple[str, ...]:
    """Names of the lead slots: a generic slot goes by its channel's own name."""
    own = {slot: channel.name for slot, channel in zip(layout.slots, layout.channels, strict=True)}
    return tuple(own.get(slot, name) for slot, name in enumerate(LEADS))
