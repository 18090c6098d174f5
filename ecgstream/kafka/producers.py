"""All that leaves for Kafka: at-least-once through one producer, exactly-once through one for each source partition.

Exactly-once, everything that comes of a source partition, its next offset included, is one transaction under the id
``{group}-{partition}``. Whoever gains the partition takes over the id, which stops an older owner for good, however
long that one was frozen. At-least-once, the lease keeps a member that was frozen from sending anything more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from math import isfinite

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from ..errors import DeliveryError, FencedError
from ..settings import KafkaSettings
from .client import client_options
from .lease import Lease
from .producer import Headers, Producer, Unsent

NO_PARTITION = -1


class Producers:
    """Begin, send, confirm, commit; whatever raises has let go of all that was not committed, so send it all again.

    Not safe for several tasks at once.
    """

    def __init__(self, settings: KafkaSettings):
        self._settings = settings
        self._exactly_once = settings.delivery == "exactly-once"
        self._shared = Producer(settings)
        self._own: dict[int, Producer] = {}
        self._begun: set[int] = set()
        self.lease: Lease | None = None
        """The source's hold on its partitions; None where the source is no Kafka group."""
        self.commits = 0

    async def start(self) -> None:
        """Check the settings; connections are made when first needed. Raises SettingsError."""
        client_options(self._settings)

    async def close(self, timeout_s: float) -> None:
        """Let go of everything; what was handed over has so long to leave. Safe at any time and more than once."""
        producers = [self._shared, *self._own.values()]
        self._own, self._begun = {}, set()
        await asyncio.gather(*(producer.close(timeout_s) for producer in producers))

    async def gain(self, partitions: Iterable[int]) -> None:
        """Be the one who sends for these; what an older owner had not committed is aborted. Raises DeliveryError."""
        if self._exactly_once:
            await self.lose(partitions)
            gained = {partition: Producer(self._settings, partition) for partition in partitions}
            self._own |= gained
            await self._all([producer.open() for producer in gained.values()])

    async def lose(self, partitions: Iterable[int]) -> None:
        """Send no more for these; a transaction that is open is left to be aborted."""
        lost = [self._own.pop(partition) for partition in partitions if partition in self._own]
        self._begun.difference_update(partitions)
        await asyncio.gather(*(producer.drop() for producer in lost))

    async def begin(self, partitions: Iterable[int]) -> None:
        """Before anything of these source partitions is sent. Raises FencedError, DeliveryError."""
        partitions = set(partitions)
        self._check_lease(partitions)
        producers = [self._shared]
        if self._exactly_once:
            producers += [self._of(partition) for partition in partitions]
            self._begun = partitions
        await self._all([producer.begin() for producer in producers])

    def send(
        self,
        origin: int,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Headers = (),
        partition: int | None = None,
    ) -> None:
        """Hand over what came of source partition ``origin`` (-1: of none); without ``partition`` the key says which.

        Raises FencedError when the origin partition is not ours.
        """
        self._of(origin).send(Unsent(topic, value, key, partition, None, headers))

    async def confirm(self) -> None:
        """Everything sent is acknowledged by all replicas. Raises DeliveryError, FencedError."""
        producers = [self._shared, *(self._of(partition) for partition in self._begun)]
        await self._all([producer.confirm() for producer in producers])

    async def commit(self, offsets: dict[int, int], consumer: AIOKafkaConsumer) -> None:
        """Next offset to read for each partition; ends the transactions. Raises DeliveryError, FencedError."""
        if self._exactly_once:
            producers = {partition: self._of(partition) for partition in self._begun}
            await self._all([producer.commit(offsets.get(partition)) for partition, producer in producers.items()])
            self._begun = set()
        elif offsets:
            await self._commit_by_the_group(offsets, consumer)
        self.commits += 1

    async def abort(self) -> None:
        """Let go of all that was sent and not committed."""
        dropped = [self._shared, *(self._own[partition] for partition in self._begun if partition in self._own)]
        self._begun = set()
        await asyncio.gather(*(producer.drop() for producer in dropped))

    def _check_lease(self, partitions: set[int]) -> None:
        """Lapsed, we wait for the group's word; it comes with the next heartbeat it answers."""
        if not partitions or self.lease is None:
            return
        if self.lease.ended:
            raise FencedError(
                partitions, f"The consumer group has put us out; drop what is held of partitions {sorted(partitions)}."
            )
        if self.lease.lapsed():
            age_s, limit_s = self.lease.age_s(), self._settings.session_timeout_s
            silent = f"for {age_s:.1f} s" if isfinite(age_s) else "yet"
            raise DeliveryError(
                f"The consumer group has not heard from us {silent}; beyond {limit_s:g} s (kafka.session_timeout_s) "
                "our partitions may be others', so nothing is sent until it has."
            )

    def _of(self, origin: int) -> Producer:
        if origin == NO_PARTITION or not self._exactly_once:
            return self._shared
        try:
            return self._own[origin]
        except KeyError:
            raise FencedError({origin}, f"Partition {origin} is not ours; gain it before sending for it.") from None

    async def _commit_by_the_group(self, offsets: dict[int, int], consumer: AIOKafkaConsumer) -> None:
        topic, wait_s = self._settings.topics.chunks, self._settings.request_timeout_s
        where = ", ".join(self._settings.bootstrap)
        try:
            async with asyncio.timeout(wait_s):
                await consumer.commit({TopicPartition(topic, number): offset for number, offset in offsets.items()})
        except TimeoutError as error:
            raise DeliveryError(
                f"Kafka at {where} has not committed offsets within {wait_s:g} s (kafka.request_timeout_s)."
            ) from error
        except (CommitFailedError, IllegalStateError) as error:
            raise FencedError(
                offsets, f"The consumer group has given partitions {sorted(offsets)} out anew; drop what is held."
            ) from error
        except KafkaError as error:
            raise DeliveryError(f"Kafka at {where} has not committed offsets ({error}).") from error

    async def _all(self, calls: list[Coroutine[None, None, None]]) -> None:
        """Side by side, each to its end; then the gravest of what they raised."""
        results = await asyncio.gather(*calls, return_exceptions=True)
        failures = [result for result in results if isinstance(result, BaseException)]
        if not failures:
            return
        await self.abort()
        fenced = [failure for failure in failures if isinstance(failure, FencedError)]
        if fenced:
            partitions = frozenset().union(*(failure.partitions for failure in fenced))
            await self.lose(partitions)
            raise FencedError(partitions, str(fenced[0])) from fenced[0]
        raise failures[0]
