"""A bed as the daemon sees it: chunks, each with the time it is due."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple, Protocol

from ecgstream.waveform import ChannelGroup, Chunk

NS = 1_000_000_000


class Feed(Protocol):
    """Where a bed's samples come from. All groups of a feed have one sampling frequency."""

    fs_hz: Fraction

    def read(self, start: int, stop: int) -> tuple[ChannelGroup, ...]:
        """Samples ``[start, stop)`` of every group, the ECG group first."""
        ...


class Due(NamedTuple):
    """Something to send, and when: seconds after the ward's start. Bytes are sent as they are, in place of a chunk."""

    due_s: float
    stream_id: str
    content: Chunk | bytes


@dataclass(frozen=True, slots=True)
class Bed:
    """One stream. ``start_ns`` is the time of its sample 0, ``phase_s`` after the ward's start."""

    stream_id: str
    feed: Feed
    start_ns: int
    phase_s: float = 0.0


def chunks(bed: Bed, seconds: float, chunk_s: float) -> Iterator[Due]:
    """The bed's chunks of ``seconds`` (may be infinite), the last perhaps shorter; each is due at its last sample."""
    fs_hz = float(bed.feed.fs_hz)
    stop_sample = math.inf if seconds == math.inf else round(seconds * fs_hz)
    sequence = start = 0
    while start < stop_sample:
        stop = min(max(round((sequence + 1) * chunk_s * fs_hz), start + 1), stop_sample)
        start_ns = bed.start_ns + round(start / bed.feed.fs_hz * NS)
        chunk = Chunk(bed.stream_id, sequence, start_ns, bed.feed.read(start, stop))
        yield Due(bed.phase_s + (stop - 1) / fs_hz, bed.stream_id, chunk)
        sequence, start = sequence + 1, stop


def in_order(feeds: Iterable[Iterator[Due]]) -> Iterator[Due]:
    """Chunks of many beds in the order they are due."""
    return heapq.merge(*feeds, key=lambda due: due.due_s)
