"""A timeline exactly as it is, as JSON values: whoever puts it back gives the chunks that follow the same places."""

from __future__ import annotations

from array import array
from fractions import Fraction
from typing import Any

from ..waveform import Channel, GroupKind, Layout
from .timeline import SEEN, Timeline


def snapshot(timeline: Timeline) -> dict[str, Any] | None:
    """Everything ``resume`` needs; empty before the first chunk, None while chunks wait for their place."""
    if timeline.held:
        return None
    if timeline.rate is None:
        return {}
    layout = None if timeline.layout is None else _values(timeline.layout)
    return timeline.save() | {"layout": layout, "starts": timeline.starts.tolist()}


def resume(timeline: Timeline, taken: dict[str, Any]) -> None:
    """Bring a new timeline to where ``snapshot`` was taken: the same segment goes on, the same numbers are known.

    Raises KeyError, TypeError or ValueError when it is not such a snapshot.
    """
    if not taken:
        return
    timeline.restore(taken)
    starts = array("q", taken["starts"])
    if len(starts) != SEEN:
        raise ValueError(f"a snapshot holds {SEEN} start times; this one holds {len(starts)}")
    timeline.starts = starts
    timeline.layout = None if taken["layout"] is None else _layout(taken["layout"])


def _values(layout: Layout) -> list[Any]:
    channels = [[c.code, c.name, c.unit, c.gain, c.baseline, c.invalid_value] for c in layout.channels]
    return [int(layout.kind), layout.fs_hz.numerator, layout.fs_hz.denominator, channels, list(layout.slots)]


def _layout(values: list[Any]) -> Layout:
    kind, numerator, denominator, channels, slots = values
    made = tuple(Channel(*channel) for channel in channels)
    return Layout(GroupKind(kind), Fraction(numerator, denominator), made, tuple(slots))
