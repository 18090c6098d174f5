"""Chunks from Kafka, as a member of a consumer group."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from ..kafka.client import client_options
from ..kafka.group import RETRY_S, Extent, Extents, Group, Owner
from ..kafka.headers import content_type_of
from ..kafka.lease import Lease
from ..settings import KafkaSettings
from .message import Message, Position

__all__ = ["Extent", "Extents", "KafkaSource", "Owner"]

SILENT_S = 3.0
"""Without an answer for this long the broker counts as unreachable."""

_new = tuple.__new__
"""Makes a NamedTuple in half the time that its own way takes."""
log = structlog.get_logger()


class KafkaSource:
    """A ``Source`` over Kafka. It survives any absence of the broker; ``faults`` tells of it.

    A task of its own polls aiokafka, but not while as many messages wait here as were asked for last. aiokafka then
    holds one answer of the broker per partition, asks for no more, and goes on with its heartbeats.
    """

    def __init__(self, settings: KafkaSettings, clock_ns: Callable[[], int], owner: Owner):
        self._settings = settings
        self._clock_ns = clock_ns
        self._buffer: deque[Message] = deque()
        self._group = Group(settings, owner, self._buffer.clear)
        self._wanted = 1_000
        self._polling: asyncio.Task[None] | None = None
        self._arrived = asyncio.Event()
        self._room = asyncio.Event()
        self._begun_s = time.monotonic()

    # --------------------------------------------------------------------------------------------------- as any source

    async def start(self) -> None:
        """Begin to join the group, whether or not a broker is there. Raises SettingsError."""
        client_options(self._settings)
        self._begun_s = time.monotonic()
        self._room.set()
        self._polling = asyncio.create_task(self._poll())
        self._polling.add_done_callback(lambda _: self._arrived.set())

    async def receive(self, max_messages: int) -> list[Message]:
        """At least one message, at most ``max_messages``, as soon as one is there. Cancelling it loses no message."""
        self._wanted = max_messages
        while not (messages := self.drain(max_messages)):
            if self._polling.done():
                self._polling.result()
            self._arrived.clear()
            await self._arrived.wait()
        return messages

    def drain(self, max_messages: int) -> list[Message]:
        """What has already arrived, at most ``max_messages``, possibly nothing; never waits."""
        take = self._buffer.popleft
        messages = [take() for _ in range(min(max_messages, len(self._buffer)))]
        if len(self._buffer) < self._wanted:
            self._room.set()
        return messages

    async def close(self) -> None:
        """Leave the group, in bounded time; messages not received are dropped. Safe at any time and more than once."""
        if self._polling is not None:
            polling, self._polling = self._polling, None
            polling.cancel()
            await asyncio.wait([polling])
            await self._group.disconnect()
            self._buffer.clear()

    # ------------------------------------------------------------------------------------------------------- its state

    @property
    def consumer(self) -> AIOKafkaConsumer:
        """For ``Producers.commit``."""
        return self._group.consumer

    @property
    def lease(self) -> Lease:
        """For ``Producers.lease``."""
        return self._group.lease

    @property
    def epoch(self) -> int:
        """Number of the assignment that messages now read carry in their position."""
        return self._group.epoch

    @property
    def partitions(self) -> int:
        """How many partitions the chunks' topic has, as far as is known here."""
        return len(self._group.consumer.partitions_for_topic(self._settings.topics.chunks) or ())

    @property
    def assigned(self) -> frozenset[int]:
        """Partitions the group has given us, taken up or not."""
        return frozenset(self._group.assigned or ())

    @property
    def rebalances(self) -> int:
        """How often the group has given partitions out."""
        return self._group.rebalances

    @property
    def resets(self) -> int:
        """How often messages had left the log before they were read."""
        return self._group.resets

    def lag(self) -> dict[int, int]:
        """Messages of each partition being read that the log holds and we have not fetched."""
        return self._group.lag()

    def rejoin(self) -> None:
        """Ask the group anew for partitions: to be called when a FencedError has made us drop what we had."""
        self._group.rejoin()

    def unreachable_s(self) -> float:
        """For how long no broker has answered; 0 while one does."""
        group = self._group
        if group.assigned is None and group.has_connection():
            return 0.0  # while the group gives partitions out nobody sends heartbeats
        silent_s = min(group.lease.age_s(), time.monotonic() - self._begun_s)
        return silent_s if silent_s > SILENT_S else 0.0

    def faults(self) -> list[str]:
        """Why no chunks come in, in sentences; empty when they do, or when other members have all partitions."""
        if silent_s := self.unreachable_s():
            since = datetime.fromtimestamp(time.time() - silent_s, UTC).strftime("%H:%M:%S")
            where = ", ".join(self._settings.bootstrap)
            return [f"Kafka at {where} has not answered since {since} UTC ({silent_s:.0f} s)"]
        if self._group.assigned is None:
            return [f"the consumer group {self._settings.group} is giving partitions out"]
        if waiting := self._group.assigned - self._group.next.keys():
            return [f"partitions being taken up: {', '.join(map(str, sorted(waiting)))}"]
        return []

    # ------------------------------------------------------------------------------------------------------- its task

    async def _poll(self) -> None:
        while True:
            try:
                await self._group.connect()
                while True:
                    await self._room.wait()
                    self._take(await self._group.poll(self._wanted))
                    if self._group.failure:
                        raise self._group.failure
            except KafkaError as error:
                log.warning("Kafka cannot be read; connecting again", text=str(error), retry_s=RETRY_S)
                await self._group.give_up()
                await self._group.disconnect()
                await asyncio.sleep(RETRY_S)

    def _take(self, batches: dict[TopicPartition, list[ConsumerRecord]]) -> None:
        if not batches:
            return
        arrived_ns, epoch = self._clock_ns(), self._group.epoch
        for place, records in batches.items():
            partition = place.partition
            for record in records:
                position = _new(Position, (partition, record.offset, record.timestamp * 1_000_000, epoch))
                of_type = content_type_of(record.headers)
                message = record.value or b"", of_type, arrived_ns, position, record.key or b""
                self._buffer.append(_new(Message, message))
        self._arrived.set()
        if len(self._buffer) >= self._wanted:
            self._room.clear()
