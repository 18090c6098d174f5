"""What the vitals of the last day were before the page's process began, a look a minute: for trends."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from ..kafka.client import client_options
from ..kafka.closing import GRACE_S, stop_consumer
from ..settings import KafkaSettings
from .trends import MINUTES

LOOK_MS = 2_000
"""What is read of a minute: every bed tells its vitals in it, at the rate that daemons are shipped with."""
FETCH_BYTES = 1 << 16
FETCH_WAIT_MS = 10
"""Where a partition has nothing more, the broker would keep the answer back for half a second, 1,440 times."""
_MINUTE_MS = 60_000


async def vitals_before(settings: KafkaSettings) -> AsyncIterator[list[ConsumerRecord]]:
    """One record of each bed for each of the last day's minutes, the latest minute first. Raises KafkaError."""
    limits = {"max_partition_fetch_bytes": FETCH_BYTES, "fetch_max_wait_ms": FETCH_WAIT_MS}
    options = client_options(settings) | limits | {"isolation_level": "read_committed"}
    consumer = AIOKafkaConsumer(settings.topics.vitals, group_id=None, **options)
    await consumer.start()
    try:
        places = consumer.assignment()
        ends, begins = await consumer.end_offsets(places), await consumer.beginning_offsets(places)
        now_ms = round(1000 * time.time())
        for minute in range(1, MINUTES):
            at_ms = now_ms - minute * _MINUTE_MS
            found = await consumer.offsets_for_times(dict.fromkeys(places, at_ms))
            looked = {place: at.offset for place, at in found.items() if at is not None and at.offset < ends[place]}
            yield await _look(consumer, looked, ends, at_ms + LOOK_MS)
            if all(looked.get(place, ends[place]) <= begins[place] for place in places):
                return
    finally:
        await stop_consumer(consumer, GRACE_S)


async def _look(
    consumer: AIOKafkaConsumer, due: dict[TopicPartition, int], ends: dict[TopicPartition, int], until_ms: int
) -> list[ConsumerRecord]:
    """The first record of each bed from the offsets ``due`` up to a time."""
    first: dict[bytes, ConsumerRecord] = {}
    for place, offset in due.items():
        consumer.seek(place, offset)
    while due:
        for place, records in (await consumer.getmany(*due, timeout_ms=200)).items():
            for record in records:
                if record.timestamp < until_ms:
                    first.setdefault(record.key, record)
            if records[-1].timestamp >= until_ms:
                del due[place]
        due = {place: offset for place, offset in due.items() if await consumer.position(place) < ends[place]}
    return list(first.values())
