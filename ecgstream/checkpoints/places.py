"""Where in its log a stream stands: what has been taken in, what is durable, and where reading again may begin."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..waveform import GRID_HZ, STRIP_S
from .record import Record

EVERY = GRID_HZ
"""Grid samples between two places that are remembered."""
LEAST = 10 * GRID_HZ
"""Grid samples that a bed must be read again for at least: what the encoder looks back over."""
STRIP = round(sum(STRIP_S) * GRID_HZ)
"""The same for what is told soon after to bring whole strips; less will do where the bed had been silent."""


class Place(NamedTuple):
    """The timeline just before a message, when it held nothing back."""

    offset: int
    log_ns: int  # by the LogClock
    grid: int  # samples of the stream that had a place
    timeline: dict[str, Any]

    @property
    def begins(self) -> bool:
        """Whether what follows begins a segment anyway, so that reading from here is exact however near it is."""
        return not self.timeline or self.timeline["layout"] is None


class Written(NamedTuple):
    """What a record says of the log."""

    offset: int
    base_offset: int  # -1: no base
    base_log_ns: int


@dataclass(slots=True)
class Standing:
    """One stream's standing in its partition."""

    partition: int
    next_offset: int  # messages before it have been taken in, or are not wanted
    first_offset: int  # of a stream without a durable record: where that must be read from
    due_grid: int = 0  # its record is due when so many samples have a place
    next_grid: int = 0  # the next place is remembered when so many have
    places: deque[Place] = field(default_factory=deque)
    sent: deque[Written] = field(default_factory=deque)  # records on their way, oldest first
    durable: Written | None = None

    def remember(self, place: Place, needed: int) -> None:
        """Remember a place; those that a newer one serves for ``needed`` samples are let go of."""
        self.places.append(place)
        self.next_grid = place.grid + EVERY
        while len(self.places) > 1 and place.grid - self.places[1].grid >= needed:
            self.places.popleft()

    def forget_places(self) -> None:
        """What was sent so far is not to be read again; the next message is a place to begin at."""
        self.places.clear()
        self.next_grid = 0

    def base(self, grid: int, needed: int, since_ns: int) -> Place | None:
        """The newest place at least ``needed`` samples behind ``grid``, else the oldest that will do."""
        while self.places and self.places[0].log_ns < since_ns:
            self.places.popleft()
        far = [place for place in self.places if grid - place.grid >= needed]
        if far:
            return far[-1]
        oldest = self.places[0] if self.places else None
        return oldest if oldest and (oldest.begins or grid - oldest.grid >= LEAST) else None

    def is_too_old(self, since_ns: int) -> bool:
        """Whether the newest record is to be read from a place before that time of the log."""
        newest = self.sent[-1] if self.sent else self.durable
        return newest is not None and newest.base_offset >= 0 and newest.base_log_ns < since_ns

    def bound(self) -> int | None:
        """The offset before which nothing of this stream needs to be read again; None: nothing at all."""
        if self.durable is None:
            return self.first_offset
        if self.durable.base_offset >= 0:
            return self.durable.base_offset
        return self.durable.offset if self.next_offset > self.durable.offset else None


def why_inexact(record: Record, made_with: dict[str, str], start: int, since_ns: int) -> str:
    """Why a bed cannot be rebuilt from its record and the log read from ``start``; empty if it can.

    ``made_with`` are the hashes of model and settings here; the log is read back to ``since_ns`` at most.
    """
    if record["model"] != made_with["model"]:
        return "it was made with another model"
    if record["settings"] != made_with["settings"]:
        return "it was made with other settings"
    if record["base_offset"] < 0 or record["base_log_ns"] < since_ns:
        return "it has been silent, its patient is new, or an older version wrote its record"
    return "the log does not reach back far enough" if record["base_offset"] < start else ""
