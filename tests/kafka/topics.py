"""What lies in a topic, read from beginning to end."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from aiokafka import AIOKafkaConsumer, ConsumerRecord


def messages(bootstrap: str, topic: str) -> list[ConsumerRecord]:
    """Every committed message of a topic, partition by partition, in order of offsets."""
    with ThreadPoolExecutor(1) as pool:  # so that a caller may have an event loop running
        return pool.submit(asyncio.run, _messages(bootstrap, topic)).result()


async def _messages(bootstrap: str, topic: str) -> list[ConsumerRecord]:
    async with reader(bootstrap, topic) as consumer:
        ends, found = await consumer.end_offsets(consumer.assignment()), []
        # A position passes over transaction marks and aborted messages, which getmany does not give.
        while any([await consumer.position(place) < end for place, end in ends.items()]):
            for batch in (await consumer.getmany(timeout_ms=500)).values():
                found += batch
        return sorted(found, key=lambda message: (message.partition, message.offset))


def reader(bootstrap: str, *topics: str) -> AIOKafkaConsumer:
    """Reads committed messages of all partitions of these topics from the beginning, in no group."""
    return AIOKafkaConsumer(
        *topics,
        bootstrap_servers=bootstrap,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
