"""One reader of the chunks' topic in a process of its own: how many messages a second, at what cost each.

``bare`` is aiokafka's consumer and nothing else. ``ours`` is what a daemon does before it looks at signals: its source,
decoding, the arena and the commit, split over event loop and compute thread as in the daemon.

    python -m ecgstream.bench.reading bare|ours SETTINGS MESSAGES
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer

from ..intake import Intake
from ..kafka.client import client_options
from ..kafka.producers import Producers
from ..passes import in_passes
from ..reception import in_parts, read, take_in
from ..settings import Settings, load_settings
from ..sources.kafka import Extents, KafkaSource
from ..sources.message import Message
from ..wire.codec import decode_chunk

MAX_HOPS = 25
"""Of a row handed out at once, as in the daemon."""
COMMIT_S = 1.0
"""As often as the daemon."""
UNMEASURED_SHARE = 0.35
"""Of the messages: while connections are made, kernels are loaded, and the arena is written for the first time."""


class Moment(NamedTuple):
    """How far the reader has come, and what it has spent until then."""

    messages: int
    at_s: float
    cpu_s: dict[str, float]


class Meter:
    """Measures from when a share of the messages has been read to when all have."""

    def __init__(self, messages: int):
        self._all, self._seen = messages, 0
        self._begun: Moment | None = None
        self.cpu_s: Counter[str] = Counter()

    @property
    def is_over(self) -> bool:
        """All messages have been read."""
        return self._seen >= self._all

    def count(self, messages: int) -> None:
        """So many more have been read and done with."""
        self._seen += messages
        if self._begun is None and self._seen >= UNMEASURED_SHARE * self._all:
            self._begun = self._now()

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """CPU time of this thread is that part's."""
        start_s = time.thread_time()
        yield
        self.cpu_s[name] += time.thread_time() - start_s

    def figures(self) -> dict[str, Any]:
        """Messages a second, and CPU microseconds a message: of the process, and of its parts."""
        begun, now = self._begun, self._now()
        messages = now.messages - begun.messages
        spent_us = {name: 1e6 * (now.cpu_s[name] - begun.cpu_s.get(name, 0.0)) / messages for name in now.cpu_s}
        return {"messages_per_s": messages / (now.at_s - begun.at_s), "cpu_us_per_message": spent_us}

    def _now(self) -> Moment:
        return Moment(self._seen, time.perf_counter(), {"all": time.process_time(), **self.cpu_s})


async def read_bare(settings: Settings, messages: int) -> dict[str, Any]:
    """With aiokafka's own defaults, in a group, committing nothing."""
    meter, kafka = Meter(messages), settings.kafka
    options: dict[str, Any] = {"enable_auto_commit": False, "auto_offset_reset": "earliest"}
    async with AIOKafkaConsumer(
        kafka.topics.chunks, **client_options(kafka), group_id=kafka.group, **options
    ) as consumer:
        while not meter.is_over:
            batches = await consumer.getmany(timeout_ms=500, max_records=_batch(settings))
            meter.count(sum(map(len, batches.values())))
        return meter.figures()


async def read_ours(settings: Settings, messages: int) -> dict[str, Any]:
    """The daemon's own classes; whatever is taken in is committed by the end."""
    meter, kafka = Meter(messages), settings.kafka
    source, producers = KafkaSource(kafka, time.time_ns, NoBeds()), Producers(kafka)
    taking, loop = Taking(settings, meter), asyncio.get_running_loop()
    await source.start()
    try:
        with ThreadPoolExecutor(1) as compute:
            offsets: dict[int, int] = {}
            committed_s = time.monotonic()
            while not meter.is_over:
                taken = await source.receive(_batch(settings))
                offsets |= await loop.run_in_executor(compute, taking.take_in, taken)
                meter.count(len(taken))
                if meter.is_over or time.monotonic() - committed_s > COMMIT_S:
                    await producers.commit(offsets, source.consumer)
                    offsets, committed_s = {}, time.monotonic()
        return meter.figures()
    finally:
        await source.close()
        await producers.close(0.0)


class NoBeds:
    """An owner of partitions that keeps nothing between assignments."""

    async def lose(self, partitions: set[int]) -> None:
        """Nothing is to be finished."""

    async def gain(self, partitions: set[int], extents: Extents) -> dict[int, int]:
        """All are read from where the group has committed, or from their beginning."""
        return {}


class Taking:
    """Messages to places in the arena and out again in blocks, as ``Pipeline`` has it; blocks are let go of."""

    def __init__(self, settings: Settings, meter: Meter):
        self._intake, self._meter = Intake(settings.intake), meter

    def take_in(self, messages: list[Message]) -> dict[int, int]:
        """What to commit for these messages, once they are taken in."""
        for of_pass in in_passes(messages)[0]:
            for part in in_parts(of_pass):
                with self._meter.part("decode"):
                    plain = read(part)
                with self._meter.part("place"):
                    for message, _ in take_in(self._intake, part, plain, lambda *_: True):
                        self._accept(message)
            with self._meter.part("hand out"):
                self._hand_out()
        return {message.position.partition: message.position.offset + 1 for message in messages}

    def _accept(self, message: Message) -> None:
        chunk = decode_chunk(message.payload, message.content_type)
        if not self._intake.accept(chunk, message.arrived_ns):
            self._hand_out()
            self._intake.accept(chunk, message.arrived_ns)

    def _hand_out(self) -> None:
        while self._intake.take(MAX_HOPS):
            pass


def _batch(settings: Settings) -> int:
    """As the daemon's stages take them."""
    return settings.queue_messages // 4


def main(reader: str, flags: str, messages: str) -> None:
    """Print the figures as JSON."""
    read, settings = {"bare": read_bare, "ours": read_ours}[reader], load_settings(None, json.loads(flags))
    print(json.dumps(asyncio.run(read(settings, int(messages)))))


if __name__ == "__main__":
    main(*sys.argv[1:])
