"""The state topic: the newest record of every bed, compacted, each in the partition its chunks come from."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Set
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from ..errors import DeliveryError
from ..settings import KafkaSettings
from .client import client_options
from .closing import GRACE_S, stop_consumer
from .producers import Producers

LOAD_REQUESTS = 3
"""How many times the longest wait for one answer a load may take in all."""
POLL_MS = 200


class StateTopic:
    """Writes records through the producers, and reads back what is committed."""

    def __init__(self, settings: KafkaSettings, producers: Producers):
        self._settings = settings
        self._topic = settings.topics.state
        self._producers = producers

    def send(self, partition: int, stream_id: str, record: bytes) -> None:
        """Hand over a bed's record; it replaces the older one. Raises FencedError."""
        self._producers.send(partition, self._topic, stream_id.encode(), record, partition=partition)

    def forget(self, partition: int, stream_id: str) -> None:
        """Hand over that a bed has no record any more. Raises FencedError."""
        self._producers.send(partition, self._topic, stream_id.encode(), None, partition=partition)

    async def load(self, partition: int) -> dict[str, bytes]:
        """Newest committed record by stream id, of all that the partition holds by now. Raises DeliveryError."""
        newest: dict[str, bytes | None] = {}
        place = TopicPartition(self._topic, partition)
        async with self._reader() as consumer:
            consumer.assign([place])
            async for message in _to_the_end(consumer, {place}):
                newest[message.key.decode()] = message.value
        return {stream_id: record for stream_id, record in newest.items() if record is not None}

    async def load_all(self) -> dict[str, tuple[int, bytes]]:
        """Stream id to the partition its newest record lies in, and the record, over all partitions.

        A bed's record lies in an older partition when the topics have grown. Raises DeliveryError.
        """
        newest: dict[str, ConsumerRecord] = {}
        async with self._reader(self._topic) as consumer:
            async for message in _to_the_end(consumer, consumer.assignment()):
                stream_id = message.key.decode()
                if stream_id not in newest or newest[stream_id].timestamp <= message.timestamp:
                    newest[stream_id] = message
        return {key: (message.partition, message.value) for key, message in newest.items() if message.value is not None}

    @asynccontextmanager
    async def _reader(self, *topics: str) -> AsyncIterator[AIOKafkaConsumer]:
        wait_s = LOAD_REQUESTS * self._settings.request_timeout_s
        where = ", ".join(self._settings.bootstrap)
        consumer = AIOKafkaConsumer(
            *topics,
            **client_options(self._settings),
            group_id=None,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
        )
        try:
            async with asyncio.timeout(wait_s):
                await consumer.start()
                yield consumer
        except TimeoutError as error:
            raise DeliveryError(
                f"Kafka at {where} has not given all of {self._topic} within {wait_s:g} s "
                f"({LOAD_REQUESTS} times kafka.request_timeout_s)."
            ) from error
        except KafkaError as error:
            raise DeliveryError(f"Kafka at {where} has not given {self._topic} ({error}).") from error
        finally:
            await stop_consumer(consumer, GRACE_S)


async def _to_the_end(consumer: AIOKafkaConsumer, places: Set[TopicPartition]) -> AsyncIterator[ConsumerRecord]:
    """Every committed message from the first to the last there is now, in order of offsets in each partition."""
    first, end = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
    for place in places:
        consumer.seek(place, first[place])
    left = {place for place in places if first[place] < end[place]}
    while left:
        for messages in (await consumer.getmany(*left, timeout_ms=POLL_MS)).values():
            for message in messages:
                yield message
        # The position passes over aborted messages and transaction marks, which getmany does not give.
        left = {place for place in left if await consumer.position(place) < end[place]}
