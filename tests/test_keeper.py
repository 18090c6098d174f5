"""How often beds are saved: those with new alerts at once, all of them now and then."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecgstream.clock import ManualClock
from ecgstream.keeper import Keeper
from ecgstream.metrics import Metrics
from ecgstream.persistence import StateStore
from ecgstream.pipeline import Pipeline
from ecgstream.settings import Settings

from .feed import START_NS, Bed


@pytest.mark.parametrize(
    ("took_s", "saved_at_s"),
    [(0.001, [2.0, 4.0, 6.0, 8.0, 10.0]), (0.11, [2.0, 8.0])],
    ids=["few beds: as set, every 2 s", "thousands: a fiftieth of the time at most"],
)
def test_saving_all_beds_is_due_less_often_where_it_takes_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, took_s: float, saved_at_s: list[float]
):
    now_s, saved = [0.0], []
    monkeypatch.setattr("ecgstream.keeper.time.monotonic", lambda: now_s[0])
    settings = Settings(state={"path": str(tmp_path / "state.sqlite3")})
    pipeline = Pipeline(settings, None, Metrics(), ManualClock(START_NS))
    pipeline.process([message for _, message in Bed("bed-1", cuts=(250, 500)).messages()])
    keeper = Keeper(settings, pipeline)

    def save(self: StateStore, states: dict, forget: set) -> None:
        assert list(states) == ["bed-1"] and not forget
        saved.append(now_s[0])
        now_s[0] += took_s

    monkeypatch.setattr(StateStore, "save", save)
    for second in range(1, 11):
        now_s[0] = float(second)
        keeper.keep_all_when_due([])
    assert saved == saved_at_s
