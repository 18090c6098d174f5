"""The worst of what an evaluation got wrong, with all that is needed to draw it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from ..waveform import CODE_LIMIT
from .records import Record

MOST = 16
MOST_OF_A_RECORD = 2
"""One recording that nobody can read would else fill the page."""
_BEFORE_S = 5.0
_LEADS = 3
Stretch = tuple[float, float, str]
"""Start and end (s), and what was there or was told."""


@dataclass(frozen=True, slots=True)
class Note:
    """Something annotated or told: at one time (s), or from one to another."""

    start_s: float
    stop_s: float | None
    text: str
    wrong: bool = False


@dataclass(frozen=True, slots=True)
class Lane:
    """Notes in one line above the paper."""

    name: str
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True)
class Trace:
    """One channel. Drawn to scale where it is in mV, else to fit."""

    name: str
    wave: np.ndarray  # (N,), NaN where not valid
    fs_hz: float
    is_mv: bool = True
    marks_s: tuple[float, ...] = ()  # what was found in this channel
    doubted_s: tuple[float, ...] = ()  # and what of it was not believed


@dataclass(frozen=True, slots=True)
class Case:
    """A stretch of a recording. All times (s) count as ``start_s`` does, which is that of the first sample."""

    title: str
    text: str
    start_s: float
    traces: tuple[Trace, ...]
    lanes: tuple[Lane, ...] = ()


class Worst:
    """Keeps the worst cases of those offered, a few of each recording; others are never made."""

    def __init__(self) -> None:
        self._kept: dict[int, tuple[float, str, Case]] = {}
        self.offered = 0

    def offer(self, badness: float, record: str, make: Callable[[], Case]) -> None:
        """``make`` is called where the case is among the worst by now; of equal ones, the first stays."""
        self.offered += 1
        of_record = [number for number, kept in self._kept.items() if kept[1] == record]
        rivals = of_record if len(of_record) == MOST_OF_A_RECORD else list(self._kept) if self._is_full else []
        if rivals:
            least = min(rivals, key=self._rank)
            if badness <= self._kept[least][0]:
                return
            del self._kept[least]
        self._kept[self.offered] = (badness, record, make())

    @property
    def _is_full(self) -> bool:
        return len(self._kept) == MOST

    def _rank(self, number: int) -> tuple[float, int]:
        return self._kept[number][0], -number

    @property
    def cases(self) -> list[Case]:
        """Those kept, the worst first."""
        return [self._kept[number][2] for number in sorted(self._kept, key=self._rank, reverse=True)]


def traces_of(record: Record, start_s: float, stop_s: float, most_leads: int = _LEADS) -> tuple[Trace, ...]:
    """The first leads of a recording from ``start_s`` to ``stop_s``, as recorded."""
    first, stop = (round(at * float(record.fs_hz)) for at in (start_s, stop_s))
    traces = []
    for lead, name in enumerate(record.leads[:most_leads]):
        adu = record.adu[lead, max(first, 0) : stop].astype(np.float64)
        mv = (adu - record.baseline_adu[lead]) * record.mv_per_adu[lead]
        traces.append(Trace(name, np.where(adu < CODE_LIMIT, np.nan, mv), float(record.fs_hz)))
    return tuple(traces)


def offer_stretches(
    worst: Worst,
    record: Record,
    wrong: Sequence[Stretch],
    annotated: Sequence[Stretch],
    told: Sequence[Stretch],
    shown_s: float = 30.0,
) -> None:
    """Offer every stretch that is ``wrong``, the longer the worse; drawn is its beginning, or all of it."""
    for stretch in wrong:
        start_s, stop_s, _ = stretch
        from_s = max(0.0, min(start_s - _BEFORE_S, record.duration_s - shown_s))
        shown = from_s, min(from_s + shown_s, record.duration_s)
        worst.offer(stop_s - start_s, record.name, partial(_case, record, stretch, annotated, told, shown))


def _case(
    record: Record,
    wrong: Stretch,
    annotated: Sequence[Stretch],
    told: Sequence[Stretch],
    shown: tuple[float, float],
) -> Case:
    start_s, stop_s, what = wrong
    lanes = tuple(
        Lane(name, tuple(_clipped(of, *shown, (start_s, stop_s))))
        for name, of in (("annotated", annotated), ("told", told))
    )
    text = f"{what} from {clock(start_s)} to {clock(stop_s)} ({stop_s - start_s:.1f} s)."
    return Case(f"{record.name}, {clock(start_s)}", text, shown[0], traces_of(record, *shown, 2), lanes)


def _clipped(of: Sequence[Stretch], from_s: float, to_s: float, wrong: tuple[float, float]) -> list[Note]:
    return [
        Note(max(start, from_s), min(stop, to_s), text, start < wrong[1] and stop > wrong[0])
        for start, stop, text in of
        if start < to_s and stop > from_s
    ]


def clock(at_s: float) -> str:
    """A time in a recording, as minutes and seconds."""
    minutes, seconds = divmod(at_s, 60)
    return f"{int(minutes)}:{seconds:04.1f}"
