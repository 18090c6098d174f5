"""Timelines as JSON values: what is saved across a restart, and snapshots, which are exact.

Whoever puts a snapshot back gives the chunks that follow the same places.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from ..waveform import Channel, GroupKind, Layout
from .rate import Rate
from .timeline import UNKNOWN, Timeline
from .tracks import SEEN


def save(timeline: Timeline) -> dict[str, Any]:
    """State as JSON values; chunks that wait are not part of it."""
    return {
        "fs_hz": [timeline.rate.fs_hz.numerator, timeline.rate.fs_hz.denominator],
        "segment_hop": timeline.segment_hop,
        "frontier": timeline.frontier,
        "next_sequence": timeline.next_sequence,
        "last_n": timeline.last_n,
        "trusted": timeline.trusted,
        "clock": timeline.fit.save(),
    }


def restore(timeline: Timeline, state: dict[str, Any]) -> None:
    """Go on from what ``save`` gave; the next chunk begins a segment, and what was missed before it is a gap.

    Raises KeyError, TypeError or ValueError when it is not such a state.
    """
    timeline.rate = Rate(Fraction(*state["fs_hz"]))
    timeline.segment_hop, timeline.frontier = int(state["segment_hop"]), int(state["frontier"])
    timeline.next_sequence, timeline.last_n = int(state["next_sequence"]), int(state["last_n"])
    timeline.trusted = bool(state["trusted"])
    timeline.fit.restore(state["clock"])
    timeline.starts[:] = UNKNOWN


def snapshot(timeline: Timeline) -> dict[str, Any] | None:
    """Everything ``resume`` needs; empty before the first chunk, None while chunks wait for their place."""
    if timeline.held:
        return None
    if timeline.rate is None:
        return {}
    layout = None if timeline.layout is None else _values(timeline.layout)
    return save(timeline) | {"layout": layout, "starts": timeline.starts.tolist()}


def resume(timeline: Timeline, taken: dict[str, Any]) -> None:
    """Bring a new timeline to where ``snapshot`` was taken: the same segment goes on, the same numbers are known.

    Raises KeyError, TypeError or ValueError when it is not such a snapshot.
    """
    if not taken:
        return
    restore(timeline, taken)
    if len(taken["starts"]) != SEEN:
        raise ValueError(f"a snapshot holds {SEEN} start times; this one holds {len(taken['starts'])}")
    timeline.starts[:] = taken["starts"]
    timeline.layout = None if taken["layout"] is None else _layout(taken["layout"])


def _values(layout: Layout) -> list[Any]:
    channels = [[c.code, c.name, c.unit, c.gain, c.baseline, c.invalid_value] for c in layout.channels]
    return [int(layout.kind), layout.fs_hz.numerator, layout.fs_hz.denominator, channels, list(layout.slots)]


def _layout(values: list[Any]) -> Layout:
    kind, numerator, denominator, channels, slots = values
    made = tuple(Channel(*channel) for channel in channels)
    return Layout(GroupKind(kind), Fraction(numerator, denominator), made, tuple(slots))
