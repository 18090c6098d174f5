"""Letting go of aiokafka's clients in bounded time: their own ``stop`` waits for the broker, for as long as it is away.

The one place, with ``group.py``, that reaches into aiokafka's private parts.
"""

from __future__ import annotations

import asyncio
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import ProducerClosed

GRACE_S = 0.5
"""For what is on its way when it is cancelled."""


async def stop_consumer(consumer: AIOKafkaConsumer, timeout_s: float) -> None:
    """Leave the group and close, as far as that can be done in time."""
    await _at_most(consumer.stop(), timeout_s)
    await _at_most(consumer._client.close(), GRACE_S)  # stop may end before it comes to this


async def stop_producer(producer: AIOKafkaProducer, timeout_s: float) -> None:
    """Send what is waiting, as far as that can be done in time, and close."""
    await _at_most(producer.flush(), timeout_s)
    await drop_producer(producer)


async def drop_producer(producer: AIOKafkaProducer) -> None:
    """Close without sending what is waiting; what is on its way may still arrive."""
    sending = producer._sender.sender_task
    # Cancelled once it waits for the requests it has made, which may be for ever; cancelled twice it ends.
    for _ in range(2):
        if sending is not None and not sending.done():
            sending.cancel()
            await asyncio.wait([sending], timeout=GRACE_S)
    waiting = producer._message_accumulator
    # What waits to be tried again is not on its list of pending batches, from which it takes off each that is done.
    waiting._pending_batches.update(batch for batches in waiting._batches.values() for batch in batches)
    waiting.fail_all(ProducerClosed())
    ended = producer._txn_manager.wait_for_transaction_end()
    if ended is not None and ended.done() and not ended.cancelled():
        ended.exception()  # told already by the call that failed
    await _at_most(producer.stop(), GRACE_S)


async def _at_most(closing: Any, timeout_s: float) -> None:
    """In a task of its own, as aiokafka lets out CancelledError that was not meant for us."""
    task = asyncio.ensure_future(closing)
    await asyncio.wait([task], timeout=timeout_s)
    if not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=GRACE_S)
    if task.done() and not task.cancelled():
        task.exception()
