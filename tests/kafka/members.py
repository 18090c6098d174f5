"""Members of a consumer group for tests: an owner that writes down what it is told, and chunks' topic being filled."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from ecgstream.settings import KafkaSettings
from ecgstream.sources.kafka import Extent, Extents, KafkaSource
from ecgstream.sources.message import Message

WAIT_S = 30.0
KIND = "application/vnd.ecgstream.chunk.v1+protobuf"


class Beds:
    """An ``Owner`` that holds no beds: it says where to begin, and remembers what it was asked."""

    def __init__(self, begin_at: dict[int, int] | None = None, takes_s: float = 0.0):
        self.begin_at = begin_at or {}
        self.takes_s = takes_s
        self.calls: list[tuple[str, frozenset[int]]] = []
        self.extents: dict[int, Extent] = {}

    async def lose(self, partitions: set[int]) -> None:
        self.calls.append(("lose", frozenset(partitions)))
        await asyncio.sleep(self.takes_s)

    async def gain(self, partitions: set[int], extents: Extents) -> dict[int, int]:
        self.calls.append(("gain", frozenset(partitions)))
        self.extents = await extents()
        await asyncio.sleep(self.takes_s)
        return {partition: self.begin_at[partition] for partition in partitions & self.begin_at.keys()}


@asynccontextmanager
async def member(settings: KafkaSettings, beds: Beds | None = None) -> AsyncIterator[KafkaSource]:
    """A source that has joined the group."""
    source = KafkaSource(settings, time.time_ns, beds or Beds())
    await source.start()
    try:
        yield source
    finally:
        await source.close()


async def fill(settings: KafkaSettings, partition: int, payloads: Iterable[bytes], **producer: object) -> None:
    """Send payloads as chunks to one partition."""
    async with AIOKafkaProducer(bootstrap_servers=settings.bootstrap[0], acks="all", **producer) as sender:
        for payload in payloads:
            headers = [("content-type", KIND.encode())]
            await sender.send(settings.topics.chunks, payload, b"bed-1", partition, headers=headers)
        await sender.flush()


@asynccontextmanager
async def admin(settings: KafkaSettings) -> AsyncIterator[AIOKafkaAdminClient]:
    """Whoever changes topics."""
    client = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap[0])
    await client.start()
    try:
        yield client
    finally:
        await client.close()


async def receive(source: KafkaSource, count: int) -> list[Message]:
    """So many messages, however they come."""
    messages: list[Message] = []
    async with asyncio.timeout(WAIT_S):
        while len(messages) < count:
            messages += await source.receive(count - len(messages))
    return messages


async def until(holds: Callable[[], object], wait_s: float = WAIT_S) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(wait_s):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
