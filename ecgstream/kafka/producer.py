"""One aiokafka producer: opened when first needed, thrown away when it has failed, every wait bounded."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import InvalidProducerEpoch, KafkaError, ProducerFenced

from ..errors import DeliveryError, FencedError
from ..settings import KafkaSettings
from .client import client_options
from .closing import drop_producer, stop_producer

BATCH_BYTES = 256 * 1024
HEADER_BYTES = 64 * 1024
"""What key and headers may add to the largest payload."""
RECORD_BYTES = 8_000_000
"""Largest record of a bed: it holds the alerts told with it, their strips among them."""

Headers = Sequence[tuple[str, bytes]]


class Unsent(NamedTuple):
    """The arguments of ``AIOKafkaProducer.send``, in its order."""

    topic: str
    value: bytes | None
    key: bytes | None
    partition: int | None
    timestamp_ms: int | None
    headers: Headers


class Producer:
    """Idempotent; for an origin partition transactional, under an id that fences whoever had the partition before."""

    def __init__(self, settings: KafkaSettings, origin: int | None = None):
        self._settings = settings
        self._origin = origin
        self._producer: AIOKafkaProducer | None = None
        self._unsent: deque[Unsent] = deque()
        self._sent: set[asyncio.Future] = set()

    async def open(self) -> None:
        """Connect; a transactional one ends what an older owner left open. Raises DeliveryError."""
        self._producer = AIOKafkaProducer(
            **client_options(self._settings), **self._transactional(), **_batching(self._settings)
        )
        try:
            async with self._bounded("let us begin to send"):
                await self._producer.start()
        except DeliveryError:
            await self.drop()
            raise

    async def begin(self) -> None:
        """Open if need be, and begin a transaction. Raises DeliveryError, FencedError."""
        if self._producer is None:
            await self.open()
        if self._origin is not None:
            async with self._bounded("begun a transaction"):
                await self._producer.begin_transaction()

    def send(self, message: Unsent) -> None:
        """Keep for ``confirm``, which hands over all at once."""
        self._unsent.append(message)

    async def confirm(self) -> None:
        """Hand over what was sent and wait until all replicas have it. Raises DeliveryError, FencedError."""
        if not self._unsent:
            return
        if self._producer is None:
            await self.open()
        async with self._bounded(f"confirmed {len(self._unsent)} messages"):
            while self._unsent:
                # Goes to aiokafka's batches at once; it waits only while a batch is full.
                self._sent.add(await self._producer.send(*self._unsent[0]))
                self._unsent.popleft()
            await asyncio.wait(self._sent)
            sent, self._sent = self._sent, set()
            failures = [future.exception() for future in sent]
            for failure in filter(None, failures):
                raise failure

    async def commit(self, offset: int | None) -> None:
        """End the transaction, the origin partition's next offset in it. Raises DeliveryError, FencedError."""
        async with self._bounded("committed a transaction"):
            if offset is not None:
                place = TopicPartition(self._settings.topics.chunks, self._origin)
                await self._producer.send_offsets_to_transaction({place: offset}, self._settings.group)
            await self._producer.commit_transaction()

    async def drop(self) -> None:
        """Let go of all that was sent and not confirmed; an open transaction is aborted when the next one opens."""
        self._unsent.clear()
        for future in self._sent:
            future.cancel()
        self._sent.clear()
        if self._producer is not None:
            producer, self._producer = self._producer, None
            await drop_producer(producer)

    async def close(self, timeout_s: float) -> None:
        """Let go, after what was handed over has left or the time is over."""
        if self._producer is not None:
            await stop_producer(self._producer, timeout_s)
        await self.drop()

    @asynccontextmanager
    async def _bounded(self, done: str) -> AsyncIterator[None]:
        where, wait_s = ", ".join(self._settings.bootstrap), self._settings.request_timeout_s
        try:
            async with asyncio.timeout(wait_s):
                yield
        except TimeoutError as error:
            raise DeliveryError(
                f"Kafka at {where} has not {done} within {wait_s:g} s (kafka.request_timeout_s); is it there?"
            ) from error
        except (ProducerFenced, InvalidProducerEpoch) as error:
            raise FencedError(
                {self._origin}, f"Partition {self._origin} has a new owner, or its transaction took too long; drop it."
            ) from error
        except KafkaError as error:
            raise DeliveryError(f"Kafka at {where} has not {done} ({error}); see the broker's log.") from error

    def _transactional(self) -> dict[str, object]:
        if self._origin is None:
            return {"enable_idempotence": True}
        return {
            "transactional_id": f"{self._settings.group}-{self._origin}",
            "transaction_timeout_ms": round(self._settings.session_timeout_s * 1000),
        }


def _batching(settings: KafkaSettings) -> dict[str, object]:
    return {
        "compression_type": None if settings.compression == "none" else settings.compression,
        # A broker measures its largest message by whole batches.
        "max_batch_size": min(settings.largest_message_bytes, BATCH_BYTES),
        "max_request_size": max(settings.largest_message_bytes, RECORD_BYTES) + HEADER_BYTES,
    }
