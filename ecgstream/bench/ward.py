"""Beds in real time over Kafka: daemons of one group and the load generator as processes, this one listening."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer

from ..demo.processes import DaemonProcess, start_simulator
from ..errors import EcgstreamError
from ..kafka.client import client_options
from ..settings import load_settings
from .results import Heard, result, samples
from .topics import Flags

READY_S = 180.0
FIRST_S = 60.0
"""Longest wait for the first diagnosis."""
LAG = "ecgstream_lag_messages"

Tell = Callable[[float], None]
"""Told how many seconds of the run have passed."""


def largest(candidates: Sequence[int], fits: Callable[[int], bool]) -> int:
    """The largest of these ascending numbers that fits, 0 where none does; tries the last, then halves the rest."""
    best, low, high = 0, 0, len(candidates)
    at = high - 1
    while low < high:
        if fits(candidates[at]):
            best, low = candidates[at], at + 1
        else:
            high = at
        at = (low + high) // 2
    return best


def run_ward(
    flags: Flags, daemons: int, beds: int, settle_s: float, seconds: float, folder: Path, tell: Tell
) -> dict[str, Any]:
    """What ``results.result`` says of so many daemons together, and how much further they were behind at the end.

    Raises EcgstreamError when a daemon or the load generator does not run.
    """
    with members(flags, daemons, beds, folder) as crew:
        return asyncio.run(_measure(flags, crew, beds, settle_s, seconds, folder, tell))


@contextmanager
def members(flags: Flags, count: int, beds: int, folder: Path) -> Iterator[list[DaemonProcess]]:
    """So many daemons of one group, ready. Raises EcgstreamError when one does not start."""
    wanted = {
        "source": {"kind": "kafka"},
        "sink": {"kind": "kafka"},
        "state": {"path": None},
        "intake": {"max_streams": beds},
        "log": {"level": "warning"},
    }
    arguments = tuple(word for name, value in flags.items() for word in ("--set", f"{name}={json.dumps(value)}"))
    crew = []
    for number in range(count):
        (place := folder / f"daemon-{number}").mkdir()
        crew.append(DaemonProcess(place, wanted, arguments))
    with ExitStack() as running:
        for member in crew:
            member.start()
            running.callback(member.stop)
        for member in 2 * crew:  # whoever comes second takes the first one's readiness away for a moment
            member.wait_ready(READY_S)
        yield crew


async def _measure(
    flags: Flags, crew: list[DaemonProcess], beds: int, settle_s: float, seconds: float, folder: Path, tell: Tell
) -> dict[str, Any]:
    kafka = load_settings(None, flags).kafka
    url = f"kafka://{kafka.bootstrap[0]}/{kafka.topics.chunks}"
    plays_s = str(round(2 * FIRST_S + settle_s + seconds))  # longer than it is listened to
    topics, empty = (kafka.topics.diagnoses, kafka.topics.alerts), _look_at(crew)
    async with AIOKafkaConsumer(*topics, **client_options(kafka), auto_offset_reset="earliest") as consumer:
        load = start_simulator("load", "--beds", str(beds), "--seconds", plays_s, "--to", url, log=folder / "load.log")
        try:
            listener = Listener(consumer, load, folder / "load.log", tell)
            await listener.wait_for_the_first()
            await listener.listen(settle_s)
            before, before_s = _look_at(crew), time.monotonic()
            listener.heard.clear()
            await listener.listen(seconds)
            after, measured_s = _look_at(crew), time.monotonic() - before_s
        finally:
            load.terminate()
            load.wait()
    measured = result(listener.heard, beds, measured_s, before, after, empty)
    grown = _lag(after) - _lag(before)
    # Each bed has one chunk a second on its way; which of them are is chance.
    measured["kept_up"] = measured["kept_up"] and grown <= beds
    return {"daemons": len(crew), **measured, "settle_s": settle_s, "lag_grown_messages": grown}


class Listener:
    """Hears diagnoses and alerts from their topics while the load generator runs."""

    def __init__(self, consumer: AIOKafkaConsumer, load: subprocess.Popen[bytes], load_log: Path, tell: Tell):
        self._consumer, self._load, self._load_log, self._tell = consumer, load, load_log, tell
        self._passed_s = 0.0
        self.heard = Heard()

    async def wait_for_the_first(self) -> None:
        """Until there is a diagnosis; the first take longer. Raises EcgstreamError when none comes."""
        deadline_s = time.monotonic() + FIRST_S
        while not self.heard.diagnosis_s:
            await self._hear(0.2)
            self._check_load()
            if time.monotonic() > deadline_s:
                raise EcgstreamError(f"No diagnosis within {FIRST_S:.0f} s; does the broker take messages?")

    async def listen(self, seconds: float) -> None:
        """For a while. Raises EcgstreamError when the load generator ends in it."""
        start_s = time.monotonic()
        while (left_s := start_s + seconds - time.monotonic()) > 0:
            await self._hear(min(0.2, left_s))
            self._tell(self._passed_s + min(seconds, time.monotonic() - start_s))
            self._check_load()
        self._passed_s += seconds

    async def _hear(self, longest_s: float) -> None:
        for batch in (await self._consumer.getmany(timeout_ms=round(1000 * longest_s))).values():
            for message in batch:
                self.heard.take(message.value, dict(message.headers)["content-type"].decode())

    def _check_load(self) -> None:
        if self._load.poll() is not None:
            raise EcgstreamError(f"The load generator ended early:\n{self._load_log.read_text()[-2000:]}")


def _look_at(crew: list[DaemonProcess]) -> dict[tuple[str, str], float]:
    return samples(*(member.metrics() for member in crew))


def _lag(metrics: dict[tuple[str, str], float]) -> int:
    return int(sum(value for (name, _), value in metrics.items() if name == LAG))
