"""Alarms of monitors on their way to an opinion: they wait until the samples before them are here, or a second."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any
from uuid import UUID

import numpy as np
import structlog

from ..errors import StateError
from ..heads import Head, load_head
from ..heads.shipped import if_usable
from ..intake import Intake
from ..waveform import GRID_HZ, GroupKind, MonitorAlarm
from .findings import STRETCH_S
from .judge import Judgement, Opinion, judge
from .kinds import KINDS

NAME = "verdicts"
WAIT_S = 1.0
"""Longest wait for samples up to the alarm, in sample time and by the clock."""
REMEMBERED = 64
"""Verdicts of a bed that are known again; monitors repeat an alarm as long as it stands."""
_GROUPS = (GroupKind.ECG, GroupKind.PLETH, GroupKind.ABP)

log = structlog.get_logger()


@lru_cache(maxsize=1)
def shipped_head() -> Head | None:
    """The head that comes with the package; None, said in the log, when it cannot be read."""
    return if_usable(lambda: load_head(NAME), "verdicts will say that they cannot say")


@dataclass(frozen=True, slots=True)
class Verdict:
    """An opinion on one alarm of one bed."""

    row: int
    alarm: MonitorAlarm
    verdict_id: str
    judged: Judgement
    head: str  # version of what judged


@dataclass(frozen=True, slots=True)
class Waiting:
    """An alarm whose samples are not all here."""

    alarm: MonitorAlarm
    verdict_id: str
    grid: int  # grid sample of its start
    newest: int  # of the stream, when the alarm came
    since_ns: int  # by the clock


class Verdicts:
    """By row, the alarms that wait and the verdicts that were told. One owner: calls must not overlap."""

    def __init__(self, intake: Intake, mains_hz: int, head: Head | None):
        self._intake, self._mains_hz, self._head = intake, mains_hz, head
        self.waiting: dict[int, list[Waiting]] = {}
        self._told: dict[int, list[str]] = {}

    def grow(self, n_rows: int) -> None:
        """Nothing: only beds whose monitor raises alarms take memory here."""

    def reset(self, rows: np.ndarray) -> None:
        """Forget rows."""
        for row in rows.tolist():
            self.waiting.pop(row, None)
            self._told.pop(row, None)

    def offer(self, row: int, alarm: MonitorAlarm, now_ns: int) -> str:
        """Take in an alarm that begins; empty, or why there will be no verdict on it."""
        if alarm.name not in KINDS:
            return f"There is no opinion on alarms named {alarm.name[:40]!r}; there is on {', '.join(KINDS)}."
        intake, waiting = self._intake, self.waiting.get(row, [])
        known = verdict_id(intake.stream_id(row), alarm)
        if not alarm.active or known in self._told.get(row, ()) or any(one.verdict_id == known for one in waiting):
            return ""
        newest = int(intake.newest_grid[row])
        grid = newest if intake.clock_wrong[row] else intake.grid_at(row, alarm.start_ns)
        self.waiting[row] = [*waiting, Waiting(alarm, known, grid, newest, now_ns)]
        return ""

    def judge(self, now_ns: int) -> list[Verdict]:
        """Verdicts on the alarms that need wait no longer."""
        verdicts = []
        for row in sorted(self.waiting):
            if self._intake.is_held(row):
                continue  # what it says while it is rebuilt has been said
            due = [one for one in self.waiting[row] if self._is_due(row, one, now_ns)]
            verdicts += [self._judged(row, one) for one in due]
            left = [one for one in self.waiting[row] if one not in due]
            if left:
                self.waiting[row] = left
            else:
                del self.waiting[row]
            self._told[row] = [*self._told.get(row, ()), *(one.verdict_id for one in due)][-REMEMBERED:]
        return verdicts

    def _is_due(self, row: int, one: Waiting, now_ns: int) -> bool:
        newest = int(self._intake.newest_grid[row])
        return newest >= min(one.grid, one.newest + round(WAIT_S * GRID_HZ)) or now_ns - one.since_ns >= WAIT_S * 1e9

    def _judged(self, row: int, one: Waiting) -> Verdict:
        stop = min(one.grid, int(self._intake.newest_grid[row]))
        groups = {kind: self._intake.window(row, kind, stop - round(STRETCH_S * GRID_HZ), stop) for kind in _GROUPS}
        groups = {kind: found for kind, found in groups.items() if found is not None}
        try:
            judged = judge(one.alarm.name, groups, self._intake.lead_names(row), self._mains_hz, self._head)
        except Exception as error:  # an opinion must not stop alarms
            log.exception("no verdict", stream_id=self._intake.stream_id(row), alarm=one.alarm.name)
            words = f"the judgement failed: {type(error).__name__}"
            judged = Judgement(Opinion.CANNOT_SAY, float("nan"), words, np.empty(0), None)
        return Verdict(row, one.alarm, one.verdict_id, judged, self._head.version if self._head else "")

    def save(self, row: int) -> dict[str, Any]:
        """What waits and what was told, as JSON values."""
        return {"waiting": [asdict(one) for one in self.waiting.get(row, [])], "told": self._told.get(row, [])}

    def restore(self, row: int, saved: dict[str, Any] | None) -> None:
        """Go on from what ``save`` gave; from nothing where it was saved by an ecgstream without verdicts.

        Raises StateError when it is of another form.
        """
        if saved is None:
            return
        try:
            waiting = [Waiting(**one | {"alarm": MonitorAlarm(**one["alarm"])}) for one in saved["waiting"]]
            told = [str(one) for one in saved["told"]]
        except (KeyError, TypeError) as error:
            raise StateError(f"The saved verdicts of row {row} cannot be read ({error!r}).") from error
        if waiting:
            self.waiting[row] = waiting
        if told:
            self._told[row] = told


def verdict_id(stream_id: str, alarm: MonitorAlarm) -> str:
    """The same for the same alarm, whenever it is read: a hash of stream, name and start, written like a UUID."""
    said = "\0".join((stream_id, alarm.name, str(alarm.start_ns)))
    return str(UUID(bytes=sha256(said.encode()).digest()[:16]))
