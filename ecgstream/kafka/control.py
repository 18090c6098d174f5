"""Orders to beds, in the control topic: written for whoever owns the bed, read from the partitions that are ours."""

from __future__ import annotations

import asyncio

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from ..errors import DeliveryError, WireError
from ..settings import KafkaSettings
from ..wire import ecgstream_pb2 as pb
from ..wire.codec import decode_control, encode
from .client import client_options
from .closing import GRACE_S, stop_consumer
from .headers import content_type_of
from .producer import Producer, Unsent

POLL_MS = 500
RETRY_S = 1.0

Order = tuple[int, int, pb.Control]
"""Partition, offset and request."""

log = structlog.get_logger()


class ControlLog:
    """Reads outside the group: whose partitions are ours is known, and offsets are kept in the state topic."""

    def __init__(self, settings: KafkaSettings):
        self._settings = settings
        self._topic = settings.topics.control
        self._consumer: AIOKafkaConsumer | None = None
        self._next: dict[int, int] = {}
        self.refused = 0

    async def gain(self, offsets: dict[int, int | None]) -> None:
        """Read these partitions, too, from the offset given, or (None) from what comes now. Raises DeliveryError."""
        wait_s, where = self._settings.request_timeout_s, ", ".join(self._settings.bootstrap)
        places = [TopicPartition(self._topic, partition) for partition, offset in offsets.items() if offset is None]
        try:
            async with asyncio.timeout(wait_s):
                consumer = await self._connected()
                ends = await consumer.end_offsets(places)
        except (KafkaError, TimeoutError) as error:
            raise DeliveryError(f"Kafka at {where} has not shown the end of {self._topic} in {wait_s:g} s.") from error
        self._next |= {place.partition: end for place, end in ends.items()}
        self._next |= {partition: offset for partition, offset in offsets.items() if offset is not None}
        self._assign()

    def lose(self, partitions: set[int]) -> None:
        """Read these no more; what was read of them and not given out is dropped."""
        self._next = {partition: offset for partition, offset in self._next.items() if partition not in partitions}
        if self._consumer is not None:
            self._assign()

    async def receive(self) -> list[Order]:
        """At least one order, as soon as one is there. What is no order is counted, logged and left behind."""
        while True:
            if not self._next:
                await asyncio.sleep(POLL_MS / 1000)
                continue
            try:
                batches = await self._consumer.getmany(timeout_ms=POLL_MS)
            except KafkaError as error:
                log.warning("orders cannot be read; trying again", text=str(error), retry_s=RETRY_S)
                await asyncio.sleep(RETRY_S)
                continue
            if orders := self._orders(batches):
                return orders

    async def close(self) -> None:
        """Let go; safe at any time and more than once."""
        if self._consumer is not None:
            consumer, self._consumer = self._consumer, None
            self._next = {}
            await stop_consumer(consumer, GRACE_S)

    def _assign(self) -> None:
        """aiokafka replaces the whole assignment and forgets where it was in it."""
        self._consumer.assign([TopicPartition(self._topic, partition) for partition in self._next])
        for partition, offset in self._next.items():
            self._consumer.seek(TopicPartition(self._topic, partition), offset)

    def _orders(self, batches: dict[TopicPartition, list[ConsumerRecord]]) -> list[Order]:
        orders = []
        for place, messages in batches.items():
            if place.partition not in self._next:
                continue
            self._next[place.partition] = messages[-1].offset + 1
            for message in messages:
                try:
                    control = decode_control(message.value or b"", content_type_of(message.headers))
                except WireError as error:
                    self.refused += 1
                    where = {"partition": place.partition, "offset": message.offset}
                    log.warning("no order; left behind", reason=error.reason, text=str(error), **where)
                else:
                    orders.append((place.partition, message.offset, control))
        return orders

    async def _connected(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            options = client_options(self._settings)
            consumer = AIOKafkaConsumer(**options, group_id=None, auto_offset_reset="earliest")
            try:
                await consumer.start()
            except BaseException:
                await stop_consumer(consumer, GRACE_S)
                raise
            self._consumer = consumer
        return self._consumer


class ControlWriter:
    """Puts orders into the control topic, keyed as the bed's chunks are."""

    def __init__(self, settings: KafkaSettings):
        self._topic = settings.topics.control
        self._producer = Producer(settings)
        self._one_by_one = asyncio.Lock()

    async def write(self, control: pb.Control) -> None:
        """Return when all replicas have the order. Raises DeliveryError; the order may have arrived all the same."""
        content_type, payload = encode(control)
        headers = [("content-type", content_type.encode())]
        async with self._one_by_one:
            try:
                self._producer.send(Unsent(self._topic, payload, control.stream_id.encode(), None, None, headers))
                await self._producer.confirm()
            except BaseException:
                await self._producer.drop()
                raise

    async def close(self, timeout_s: float) -> None:
        """Let go; safe at any time and more than once."""
        await self._producer.close(timeout_s)
