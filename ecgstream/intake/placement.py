"""What timelines say of chunks: what is counted, chunks on their way to a place, and the places."""

from __future__ import annotations

from dataclasses import dataclass

from ..waveform import Chunk, Layout

KINDS = (
    "duplicate",  # a sequence number seen before; dropped
    "reordered",  # out of order, and slotted in
    "late",  # its place had been given up; dropped
    "gap",  # places given up
    "gap_samples",  # ECG samples missing in them
    "clock_step",  # the clock jumped, and the next chunk agreed
    "clock_glitch",  # one chunk's clock jumped, and the next one's had not
    "overlap",  # the clock went back over samples already placed; they were not moved
    "wild_clock",  # stamped with its arrival time
    "layout_change",
    "restart",  # sequence numbers fell: the monitor started anew
    "segment",  # segments begun
    "blocked",  # refused for now: hops must be taken first
    "refused",
    "evicted",
)
"""What is counted, by name."""


@dataclass(slots=True)
class Item:
    """A chunk on its way to a place."""

    chunk: Chunk
    start_ns: int  # by the monitor's clock, or by arrival where that is wild
    trusted: bool  # the clock is not wild
    n: int  # ECG samples
    passed: int = 0  # samples of lower numbers that came while this one waited
    doubtful: bool = False  # its clock must not weigh in

    @property
    def layout(self) -> Layout:
        """Of the ECG group."""
        return self.chunk.groups[0].layout


@dataclass(slots=True)
class Placement:
    """The next chunk of a stream: after ``gap`` missing samples, or first of a segment that begins at a hop."""

    item: Item
    gap: int
    segment_hop: int  # -1: no new segment
