"""A whole ward: who plays what, and all of it in the order it is due."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .faults import Faults
from .feed import NS, Bed, Due, Feed, chunks, in_order


@dataclass(frozen=True, slots=True)
class Part:
    """What one bed will play for ``seconds``, and what the ground truth file says of it."""

    stream_id: str
    feed: Feed
    seconds: float
    truth: dict[str, Any]


def play_parts(parts: Sequence[Part], start_ns: int, chunk_s: float, faults: Faults, seed: int) -> Iterator[Due]:
    """All that is due of a ward whose first bed starts at ``start_ns``, the beds' phases spread evenly over a chunk."""
    step_s = chunk_s / len(parts)
    feeds = []
    for i, part in enumerate(parts):
        bed = Bed(part.stream_id, part.feed, start_ns + round(i * step_s * NS), i * step_s)
        due = chunks(bed, part.seconds, chunk_s)
        feeds.append(due if faults == Faults() else faults.apply(due, seed))
    return in_order(feeds)
