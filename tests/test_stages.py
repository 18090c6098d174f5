"""A daemon in this process: what an error in a stage does to it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import zmq

from ecgstream.clock import ManualClock
from ecgstream.daemon import Daemon
from ecgstream.errors import SettingsError, StateError
from ecgstream.metrics import Metrics
from ecgstream.pipeline import Pipeline
from ecgstream.settings import Settings
from ecgstream.sources.message import Message, Position
from ecgstream.stages import Barrier, Stages
from ecgstream.wire import ecgstream_pb2 as pb

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


@pytest.mark.parametrize(("cores", "shared"), [(1, False), (2, True)])
async def test_compute_has_hands_where_there_is_a_second_core(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cores: int, shared: bool
):
    monkeypatch.setattr("ecgstream.daemon.os.cpu_count", lambda: cores)
    daemon = Daemon(settings(tmp_path, diagnosis={"enabled": False}))
    running = asyncio.create_task(daemon.run())
    while daemon.not_ready():  # noqa: ASYNC110 - readiness is polled, as a probe does
        await asyncio.sleep(0.05)
    assert (daemon.stages.pipeline.hands is daemon.stages.hands) == shared
    daemon.stages.stopping.set()
    assert await asyncio.wait_for(running, 20) == 0


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


async def test_a_pass_takes_all_that_waits_and_never_passes_a_mark_by(tmp_path: Path):
    stages = Stages(settings(tmp_path), Metrics())
    first, second, third = ([message] for _, message in Bed("bed-1", cuts=(250, 500)).messages())
    barrier = Barrier({0})
    for work in (first, second, barrier):
        stages._inbox.put_nowait(work)
    assert await stages._next_work() == [first + second]
    stages._inbox.put_nowait(third)
    assert await stages._next_work() is barrier
    assert await stages._next_work() == [third]
    stages.close()


async def test_a_partition_that_is_ahead_waits_for_the_others_but_holds_up_no_mark(tmp_path: Path):
    def log(partition: int, seconds: range) -> list[Message]:
        return [Message(b"", "", 0, Position(partition, n, n * 1_000_000_000, 0)) for n in seconds]

    stages = Stages(settings(tmp_path), Metrics())
    barrier = Barrier({0})
    for work in (log(0, range(20)) + log(1, range(4)), barrier):
        stages._inbox.put_nowait(work)
    passes = await stages._next_work()
    assert [len(part) for part in passes] == [6, 3, 3, 2, 3, 2, 3, 2], "a mark comes behind all that came before it"
    assert await stages._next_work() is barrier
    stages._batch = 30
    for work in (log(0, range(20, 40)) + log(1, range(4, 14)), log(1, range(14, 24))):
        stages._inbox.put_nowait(work)
    passes = await stages._next_work()
    assert [len(part) for part in passes] == [6, 4, 6, 4]
    passes = await stages._next_work()
    assert [len(part) for part in passes] == [6, 4, 6, 4], "the rest, side by side"
    stages.close()


async def test_a_pass_is_bounded(tmp_path: Path):
    stages = Stages(settings(tmp_path, queue_messages=16), Metrics())
    messages = [message for _, message in Bed("bed-1", cuts=tuple(range(250, 6000, 250))).messages()]
    for start in range(0, 9, 3):
        stages._inbox.put_nowait(messages[start : start + 3])
    assert [[len(part) for part in await stages._next_work()] for _ in range(2)] == [[6], [3]]
    stages.close()


PAUSE = pb.Control(stream_id="bed-1", actor="nurse 7", pause=pb.Pause(condition="tachycardia", duration_s=60))


def with_a_bed(folder: Path) -> Daemon:
    daemon = Daemon(settings(folder, diagnosis={"enabled": False}, log={"audit_path": folder / "audit.jsonl"}))
    daemon.stages.pipeline = Pipeline(daemon.settings, None, daemon.metrics, ManualClock(START_NS))
    daemon.stages.pipeline.process([Bed("bed-1", cuts=(250,)).messages()[0][1]])
    return daemon


def audited(folder: Path) -> list[tuple[str, str, int]]:
    entries = [json.loads(line) for line in (folder / "audit.jsonl").read_text().splitlines()]
    return [(entry["source"], entry["outcome"], entry["sample"]) for entry in entries]


async def test_without_a_log_an_order_is_applied_at_the_door_and_audited_before_its_answer(tmp_path: Path):
    stages = with_a_bed(tmp_path).stages
    reply = await stages.order(PAUSE, "http")
    assert reply.accepted and reply.effective_sample == 250
    assert stages.pipeline.alarms.paused_until_ns.any()
    assert audited(tmp_path) == [("http", "accepted", 250)]


async def test_where_there_is_a_log_an_order_goes_there_and_nowhere_else(tmp_path: Path):
    class Written(list):
        async def write(self, control: pb.Control) -> None:
            self.append(control)

    stages = with_a_bed(tmp_path).stages
    stages.control_writer = Written()
    reply = await stages.order(PAUSE, "zeromq")
    assert reply.accepted and reply.passed_on
    assert stages.control_writer == [PAUSE]
    assert not stages.pipeline.alarms.paused_until_ns.any()
    assert audited(tmp_path) == [("zeromq", "passed on", 0)]


def test_far_behind_the_log_the_encoder_waits_until_nearly_there(tmp_path: Path):
    """Behind (s)    5 .. 59 . 61 .. 30 .. 11 .. 9 .. 30        far: 30 s of warm-up and 30 s more; near: 10 s
    encoder          on ....... waits .......... on ....
    """
    stages = Stages(settings(tmp_path), Metrics())
    stages.pipeline = Pipeline(settings(tmp_path), None, Metrics(), ManualClock(START_NS))
    waits = []
    for behind_s in (5, 59, 61, 30, 11, 9, 30):
        place = Position(0, 1, START_NS - behind_s * 1_000_000_000, 1)
        stages._note_age([Message(b"", "", START_NS, Position(1, 1, START_NS, 1)), Message(b"", "", START_NS, place)])
        waits.append(stages.pipeline.catching_up)
    assert waits == [False, False, True, True, True, False, False]
    stages.close()


async def test_a_mark_that_nobody_waits_for_parks_nothing(tmp_path: Path):
    stages, parked = Stages(settings(tmp_path), Metrics()), []
    stages.membership = SimpleNamespace(park=lambda partitions: parked.append(partitions), owned={})
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await stages.finish({1})  # compute is busy
    waiting = asyncio.create_task(stages.finish({2}))
    await asyncio.sleep(0)
    stages._inbox.put_nowait(None)
    await stages.compute()
    waiting.cancel()
    assert parked == [{2}, set()]  # at the end, what is left
    stages.close()
