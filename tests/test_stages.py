"""A daemon in this process: what an error in a stage does to it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import zmq

from ecgstream.clock import ManualClock
from ecgstream.daemon import Daemon
from ecgstream.errors import SettingsError, StateError
from ecgstream.pipeline import Pipeline
from ecgstream.settings import Settings

from .feed import START_NS, Bed


def settings(folder: Path, **more) -> Settings:
    return Settings(
        source={"endpoints": ("tcp://127.0.0.1:*",)},
        sink={"endpoint": "tcp://127.0.0.1:*"},
        control={"endpoint": "tcp://127.0.0.1:*"},
        http={"port": 0},
        state={"path": folder / "state.sqlite3"},
        **more,
    )


async def test_an_unexpected_error_in_a_stage_ends_the_process_with_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    daemon = Daemon(settings(tmp_path, diagnosis={"enabled": False}))
    running = asyncio.create_task(daemon.run())
    while daemon.not_ready():  # noqa: ASYNC110 - readiness is polled, as a probe does
        await asyncio.sleep(0.05)

    def fail(_):
        raise ZeroDivisionError("a fault nobody thought of")

    monkeypatch.setattr(daemon.stages.pipeline.conditioner, "step", fail)
    with zmq.Context() as context, context.socket(zmq.PUSH) as push:
        push.setsockopt(zmq.LINGER, 0)
        push.connect(daemon.source.endpoints[0])
        (_, message) = Bed("bed-1", cuts=(250,)).messages()[0]
        push.send_multipart([message.content_type.encode(), b"bed-1", message.payload])
        assert await asyncio.wait_for(running, 20) == 1


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"source": {"endpoints": ("tcp://nowhere",)}}, SettingsError),
        ({"sink": {"endpoint": "smoke://signal"}}, SettingsError),
        ({"state": {"path": Path("/nowhere/at/all/state.sqlite3")}}, StateError),
    ],
)
async def test_what_cannot_be_opened_is_said_at_start(tmp_path: Path, wrong: dict, error: type[Exception]):
    values = settings(tmp_path, diagnosis={"enabled": False}).model_dump() | wrong
    with pytest.raises(error):
        await Daemon(Settings(**values)).run()


@pytest.mark.parametrize(("clock", "told"), [("wall", 1), ("sample", 0)])
def test_a_replay_has_no_wall_clock_deadlines(tmp_path: Path, clock: str, told: int):
    daemon = Daemon(settings(tmp_path, diagnosis={"enabled": False}, clock=clock))
    daemon.stages.pipeline = Pipeline(daemon.settings, None, daemon.metrics, ManualClock(START_NS))
    daemon.stages.pipeline.process([Bed("bed-1", cuts=(250,)).messages()[0][1]])
    daemon.stages.pipeline.clock.now = START_NS + 60_000_000_000
    assert len(daemon.stages._look_around().out) == told
