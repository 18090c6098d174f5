"""A member that was frozen past the session time-out, as by SIGSTOP, and comes back with its hands full."""

import asyncio
import signal
import sys
from contextlib import asynccontextmanager

import pytest

from ecgstream.kafka.producers import Producers

from .members import WAIT_S, member, until
from .topics import messages

FROZEN_S = 3.5


class LoneMember:
    """``lone_member.py`` as a process."""

    def __init__(self, process: asyncio.subprocess.Process):
        self._process = process

    async def says(self) -> str:
        return (await asyncio.wait_for(self._process.stdout.readline(), WAIT_S)).decode().strip()

    def told(self, order: str) -> None:
        self._process.stdin.write(f"{order}\n".encode())

    async def asked(self, order: str) -> str:
        self.told(order)
        return await self.says()

    def freeze(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)


@asynccontextmanager
async def lone_member(settings):
    """Has joined; holds all partitions."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.kafka.lone_member", settings.model_dump_json()),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        lone = LoneMember(process)
        assert await lone.says() == "0 1 2"
        yield lone
    finally:
        process.kill()
        await process.communicate()


@pytest.fixture(params=["at-least-once", "exactly-once"])
def settings(kafka_settings, request):
    return kafka_settings.model_copy(update={"session_timeout_s": 2.0, "delivery": request.param})


def alerts(settings) -> list[bytes]:
    return [message.value for message in messages(settings.bootstrap[0], settings.topics.alerts)]


async def test_it_sends_nothing_more(settings):
    async with lone_member(settings) as lone:
        assert [await lone.asked(order) for order in ("begin", "commit", "begin", "commit")] == ["done"] * 4
        told = len(alerts(settings))
        lone.freeze()
        await asyncio.sleep(FROZEN_S)
        lone.told("begin")
        lone.thaw()
        answers = [await lone.says()]
        async with asyncio.timeout(WAIT_S):
            while answers[-1] != "anew":
                answers.append(await lone.asked("begin"))
                await asyncio.sleep(0.02)
        assert {"again", "fenced 0 1 2", "anew"} >= set(answers), answers
        assert answers[0] != "anew"
        assert len(alerts(settings)) == told == 6


async def test_what_it_had_begun_is_not_committed_once_others_have_its_partitions(settings):
    async with lone_member(settings) as lone:
        assert await lone.asked("begin") == "done"
        lone.freeze()
        async with member(settings) as survivor:
            await until(lambda: survivor.assigned == {0, 1, 2})
            await until(lambda: not survivor.faults())
            if settings.delivery == "exactly-once":
                await take_over(settings)
            lone.told("commit")
            lone.thaw()
            assert await lone.says() == "fenced 0 1 2"
            assert alerts(settings) == ([] if settings.delivery == "exactly-once" else [b"of the lone member"] * 3)


async def take_over(settings) -> None:
    producers = Producers(settings)
    await producers.gain({0, 1, 2})
    await producers.close(1.0)
