"""Keeps timelines and alarms on disk: beds with new alerts before those leave, all beds every few seconds."""

from __future__ import annotations

import time

import structlog

from .outputs import Outgoing
from .persistence import StateStore
from .pipeline import Pipeline
from .settings import Settings
from .upkeep import restore, saved_states

log = structlog.get_logger()


SAVING = 0.02
"""Most of the time that goes into saving all beds: with thousands of them it is done less often."""


class Keeper:
    """Owner of the state file; its calls come from the compute thread."""

    def __init__(self, settings: Settings, pipeline: Pipeline):
        self._pipeline = pipeline
        self._store = StateStore(settings.state.path)
        self._every_s = settings.state.save_every_s
        self._due_s = time.monotonic() + self._every_s
        self._known: set[str] = set()

    def restore(self) -> list[Outgoing]:
        """Take up every stream of the file; the alerts that stand are told again."""
        states = self._store.load()
        out = restore(self._pipeline, states)
        self._known = set(states)
        log.info("state restored", streams=len(states), alerts=len(out))
        return out

    def keep(self, out: list[Outgoing]) -> None:
        """Save the beds that have new alerts."""
        self._save({outgoing.stream_id for outgoing in out if outgoing.name == "alert"})

    def keep_all_when_due(self, out: list[Outgoing]) -> None:
        """Save every bed when the interval has passed, else those with new alerts."""
        begun_s = time.monotonic()
        if begun_s < self._due_s:
            self.keep(out)
            return
        self._save(set(self._pipeline.intake.row_of))
        took_s = time.monotonic() - begun_s
        self._due_s = begun_s + max(self._every_s, took_s / SAVING)

    def close(self) -> None:
        """Save every bed and let go of the file."""
        self._save(set(self._pipeline.intake.row_of))
        self._store.close()

    def _save(self, stream_ids: set[str]) -> None:
        present = self._pipeline.intake.row_of
        gone = self._known - set(present)
        if not stream_ids and not gone:
            return
        self._store.save(saved_states(self._pipeline, stream_ids & set(present)), forget=gone)
        self._known = (self._known | stream_ids) - gone
