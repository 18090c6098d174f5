"""What one pass gives leaves together, in one order, so that a crash at any point loses nothing and tells nothing anew.

1. Vitals, diagnoses and verdicts are sent.
2. The sink confirms them.
3. Records of the beds that have alerts, or are due, go to the state topic, and are confirmed; the alerts stand in them.
4. Alerts are sent and confirmed.
5. Dead letters are sent and confirmed.
6. The offsets are committed that a new owner must go back to.

Killed before 3, the new owner computes the same alerts again from the log; after 3, it tells those of the record again,
under the same numbers. Exactly-once, all six are one transaction. Without a log to read again (ZeroMQ) 3, 5 and 6 fall
away, and 1 and 4 confirm nothing. docs/delivery.md goes through every failure.
"""

from __future__ import annotations

import asyncio
import math
import os
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import structlog

from .chunk_log import ChunkLog
from .clock import Clock
from .errors import DeliveryError
from .kafka.producers import NO_PARTITION, Producers
from .metrics import Metrics
from .outputs import Outgoing, Refused
from .sinks.base import Sink

RETRY_S = 1.0

log = structlog.get_logger()


@dataclass(slots=True)
class Results:
    """What one pass over messages gives."""

    out: list[Outgoing] = field(default_factory=list)
    records: list[tuple[int, str, bytes | None]] = field(default_factory=list)
    """Partition, key (a stream id) and record; None: the stream is forgotten."""
    refused: list[Refused] = field(default_factory=list)
    offsets: dict[int, int] = field(default_factory=dict)
    """Partition to the offset that may be committed once ``records`` are saved."""
    partition_of: dict[str, int] = field(default_factory=dict)
    """Of the streams in ``out``, where they come from a log."""
    trace: Any = None
    """Where its pass stands in a trace."""
    life: int = 0
    """Of the membership under which they were made."""


class Delivery:
    """Takes results out; calls must not overlap."""

    def __init__(
        self, sink: Sink, metrics: Metrics, producers: Producers | None, chunk_log: ChunkLog | None, clock: Clock
    ):
        self._sink, self._metrics, self._producers, self._log = sink, metrics, producers, chunk_log
        self._clock = clock
        self._steps: Counter[int] = Counter()
        self.give_up_s = math.inf
        """Monotonic time from which a failure is final: the daemon is stopping."""

    async def deliver(self, results: Results) -> None:
        """Until it is confirmed, however long the broker is away. FencedError: others have our beds now."""
        with self._metrics.async_stage("publish"):
            await self._deliver(results)
        self._count(results)

    async def _deliver(self, results: Results) -> None:
        while True:
            try:
                await self._attempt(results)
                break
            except DeliveryError as error:
                if time.monotonic() > self.give_up_s:
                    raise
                log.warning("not delivered; trying again", text=str(error), retry_s=RETRY_S)
                self._metrics.delivery_retries.inc()
                await self._producers.abort()
                await asyncio.sleep(RETRY_S)

    def _count(self, results: Results) -> None:
        for name, count in Counter(outgoing.name for outgoing in results.out).items():
            self._metrics.published.labels(name).inc(count)
        now_ns = self._clock.now_ns()
        for onset in (outgoing.onset for outgoing in results.out if outgoing.onset):
            self._metrics.sample_to_alert.labels(onset.condition).observe((now_ns - onset.at_ns) / 1e9)

    async def _attempt(self, results: Results) -> None:
        alerts = [outgoing for outgoing in results.out if outgoing.name == "alert"]
        others = [outgoing for outgoing in results.out if outgoing.name != "alert"]
        if self._producers:
            await self._producers.begin(_partitions(results))
        self._send(others, results.partition_of)
        self._passed(1)
        await self._sink.confirm()
        self._passed(2)
        if self._log:
            for record in results.records:
                self._log.save(*record)
            await self._log.confirm()
            self._passed(3)
        self._send(alerts, results.partition_of)
        await self._sink.confirm()
        self._passed(4)
        if self._log:
            for refused in results.refused:
                self._log.bury(refused)
            await self._log.confirm()
            self._passed(5)
            await self._log.commit(results.offsets)
            self._passed(6)

    def _send(self, out: list[Outgoing], partition_of: dict[str, int]) -> None:
        for outgoing in out:
            self._sink.send(partition_of.get(outgoing.stream_id, NO_PARTITION), outgoing)

    def _passed(self, step: int) -> None:
        """Tests kill the process right here: ECGSTREAM_TEST_DIE_AT=3:20 after step 3 for the 20th time."""
        if (where := os.environ.get("ECGSTREAM_TEST_DIE_AT")) is not None:
            wanted, _, count = where.partition(":")
            self._steps[step] += 1
            if step == int(wanted) and self._steps[step] == int(count or 1):
                os.kill(os.getpid(), signal.SIGKILL)


def _partitions(results: Results) -> set[int]:
    return (
        set(results.partition_of.values()) - {NO_PARTITION}
        | {partition for partition, _, _ in results.records}
        | {refused.message.position.partition for refused in results.refused if refused.message.position}
        | set(results.offsets)
    )
