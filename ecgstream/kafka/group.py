"""Our membership in the consumer group: which partitions are ours, from where they are read, and what is done between.

A partition that the group gives us is paused until its beds are taken up, which goes on beside the heartbeats:
aiokafka sends none until its listener has returned.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple, Protocol

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from aiokafka.errors import KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError

from ..errors import DeliveryError, EcgstreamError, FencedError
from ..settings import KafkaSettings
from .client import client_options
from .closing import GRACE_S, stop_consumer
from .lease import Instant, Lease

HEARTBEAT_S = 1.0
METADATA_AGE_S = 30.0
"""How old the list of partitions may be: by then a partition that was added is found."""
LOSE_SHARE = 0.6
"""Of the session time-out, which is the rebalance time-out, too: how much of it finishing may take."""
POLL_MS = 500
LONGEST_WAIT_MS = 24 * 3_600_000
RETRY_S = 1.0
FETCH_BYTES = 2**19
"""A partition's share of one answer; a single larger message is given all the same."""
LEAST_FETCH_BYTES, FETCH_WAIT_MS = 2**17, 50
"""The broker answers when it has so much, or so much later: an answer costs a millisecond, however little it holds."""

log = structlog.get_logger()


class Extent(NamedTuple):
    """What a partition's log holds, and the offset the group has committed."""

    first: int
    end: int
    committed: int | None


Extents = Callable[[], Awaitable[dict[int, Extent]]]
"""To be asked when the older owner's transactions are settled: after ``Producers.gain``. Raises DeliveryError."""


class Owner(Protocol):
    """Whoever holds the beds."""

    async def lose(self, partitions: set[int]) -> None:
        """Finish what was taken in of these; others have them soon. May come while ``gain`` was still going on."""
        ...

    async def gain(self, partitions: set[int], extents: Extents) -> dict[int, int]:
        """Take up the beds of these; the offsets to read from, where it is not the committed or the first one."""
        ...


class Group(ConsumerRebalanceListener):
    """One member; lives as long as the process, through any number of consumers."""

    def __init__(self, settings: KafkaSettings, owner: Owner, drop_buffered: Callable[[], None]):
        self._settings = settings
        self._owner = owner
        self._drop_buffered = drop_buffered
        self._taking_up: asyncio.Task[None] | None = None
        # aiokafka's assignor remembers its assignment in its class, which two members in one process would share.
        self._assignor = type("Sticky", (StickyPartitionAssignor,), {})
        self.consumer: AIOKafkaConsumer | None = None
        self.lease = Lease(settings.session_timeout_s)
        self.epoch = 0
        self.assigned: set[int] | None = None
        """None while the group is giving partitions out."""
        self.next: dict[int, int] = {}
        """Partitions that are being read, and the next offset of each."""
        self.rebalances = 0
        self.resets = 0
        """How often what was to be read next had left the log."""
        self.failure: Exception | None = None
        """What ended taking up or finishing that should not have."""

    async def connect(self) -> None:
        """Become a member; partitions come later. Raises KafkaError when no broker answers."""
        settings = self._settings
        session_ms = round(settings.session_timeout_s * 1000)
        options = client_options(settings)
        # The answer to a join comes only when all members have joined.
        options["request_timeout_ms"] += session_ms
        consumer = AIOKafkaConsumer(
            **options,
            group_id=settings.group,
            group_instance_id=settings.instance,
            session_timeout_ms=session_ms,
            rebalance_timeout_ms=session_ms,
            heartbeat_interval_ms=round(min(HEARTBEAT_S, settings.session_timeout_s / 4) * 1000),
            partition_assignment_strategy=(self._assignor,),
            # A delivery that waits for a broker keeps us from polling; whether we live is for /health/live to say.
            max_poll_interval_ms=LONGEST_WAIT_MS,
            metadata_max_age_ms=round(METADATA_AGE_S * 1000),
            max_partition_fetch_bytes=FETCH_BYTES,
            fetch_min_bytes=LEAST_FETCH_BYTES,
            fetch_max_wait_ms=FETCH_WAIT_MS,
            enable_auto_commit=False,
            auto_offset_reset="none",
        )
        try:
            await consumer.start()
        except BaseException:
            await stop_consumer(consumer, GRACE_S)
            raise
        self.consumer = consumer
        self._hear_heartbeats(consumer)
        consumer.subscribe([settings.topics.chunks], listener=self)

    async def disconnect(self) -> None:
        """Leave the group without finishing anything; takes at most about ``request_timeout_s``."""
        self.assigned, self.next = None, {}
        await self._stop_taking_up()
        if self.consumer is not None:
            await stop_consumer(self.consumer, self._settings.request_timeout_s)

    async def poll(self, max_messages: int) -> dict[TopicPartition, list[ConsumerRecord]]:
        """Messages of partitions that are being read, as soon as there are some. Raises KafkaError."""
        try:
            batches = await self.consumer.getmany(timeout_ms=POLL_MS, max_records=max_messages)
        except NoOffsetForPartitionError:
            return {}  # where to begin is set when the partition has been taken up
        except OffsetOutOfRangeError as error:
            await self._to_the_first(error.args[0])
            return {}
        found = {place: messages for place, messages in batches.items() if place.partition in self.next}
        for place, messages in found.items():
            self.next[place.partition] = messages[-1].offset + 1
        return found

    def lag(self) -> dict[int, int]:
        """How many messages each partition that is being read holds beyond those received."""
        ends = {number: self.consumer.highwater(self._place(number)) for number in self.next}
        return {number: max(end - self.next[number], 0) for number, end in ends.items() if end is not None}

    def rejoin(self) -> None:
        """Ask the group anew for partitions; after a FencedError, as the group may think we still have them."""
        self.consumer._coordinator.request_rejoin()

    def has_connection(self) -> bool:
        """Whether any broker holds a connection of ours open."""
        return self.consumer is not None and any(conn.connected() for conn in self.consumer._client._conns.values())

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """From aiokafka, before we ask for partitions again; all of them are given up."""
        await self.give_up()

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """From aiokafka; ``assigned`` is all we have."""
        self.epoch += 1
        self.rebalances += 1
        self.assigned = {place.partition for place in assigned}
        # Members say what they had, and since when; aiokafka leaves out the latter.
        self._assignor.on_generation_assignment(self.consumer._coordinator.generation)
        self.lease.renew(Instant.now())
        self.consumer.pause(*assigned)
        log.info("partitions assigned", partitions=sorted(self.assigned), epoch=self.epoch)
        if self.assigned:
            self._taking_up = asyncio.create_task(self._take_up(self.assigned))

    async def give_up(self) -> None:
        """Let the owner finish, in good time for the group to wait for us."""
        held, self.assigned, self.next = self.assigned, None, {}
        self._drop_buffered()
        await self._stop_taking_up()
        if not held:
            return
        limit_s = LOSE_SHARE * self._settings.session_timeout_s
        try:
            async with asyncio.timeout(limit_s):
                await self._owner.lose(held)
        except TimeoutError:
            log.warning("partitions given up unfinished", partitions=sorted(held), limit_s=limit_s)
        except EcgstreamError as error:
            log.warning("partitions given up unfinished", partitions=sorted(held), text=str(error))
        except Exception as error:
            self.failure = error

    async def _take_up(self, partitions: set[int]) -> None:
        while True:
            try:
                offsets = await self._owner.gain(set(partitions), self._extents)
                extents = await self._extents()
                break
            except DeliveryError as error:
                log.warning("partitions not taken up; trying again", text=str(error), retry_s=RETRY_S)
                await asyncio.sleep(RETRY_S)
            except FencedError as error:
                log.warning("partitions not taken up; asking the group again", text=str(error))
                self.rejoin()
                return
            except Exception as error:
                self.failure = error
                return
        for partition, extent in extents.items():
            start = offsets.get(partition, extent.committed)
            start = extent.first if start is None else start
            if not extent.first <= start <= extent.end:
                self._say_reset(partition, start, extent.first)
                start = extent.first
            self._read_from(partition, start)
        self.consumer.resume(*map(self._place, partitions))

    def _read_from(self, partition: int, offset: int) -> None:
        self.consumer.seek(self._place(partition), offset)
        self.next[partition] = offset

    async def _to_the_first(self, lost: dict[TopicPartition, int]) -> None:
        """While we were reading: retention has overtaken us, or the topic was made anew."""
        first = await self.consumer.beginning_offsets(list(lost))
        for place, offset in lost.items():
            if place.partition in self.next:
                self._say_reset(place.partition, offset, first[place])
                self._read_from(place.partition, first[place])

    def _say_reset(self, partition: int, offset: int, first: int) -> None:
        self.resets += 1
        log.warning(
            "the log holds no such offset; reading from its first", partition=partition, offset=offset, first=first
        )

    async def _extents(self) -> dict[int, Extent]:
        places = [self._place(partition) for partition in sorted(self.assigned or ())]
        wait_s, where = self._settings.request_timeout_s, ", ".join(self._settings.bootstrap)
        try:
            async with asyncio.timeout(wait_s):
                first = await self.consumer.beginning_offsets(places)
                end = await self.consumer.end_offsets(places)
                committed = await asyncio.gather(*map(self.consumer.committed, places))
        except (KafkaError, TimeoutError) as error:
            raise DeliveryError(f"Kafka at {where} has not told its offsets in {wait_s:g} s ({error}).") from error
        return {
            place.partition: Extent(first[place], end[place], offset)
            for place, offset in zip(places, committed, strict=True)
        }

    async def _stop_taking_up(self) -> None:
        if self._taking_up is not None:
            task, self._taking_up = self._taking_up, None
            task.cancel()
            await asyncio.wait([task])

    def _place(self, partition: int) -> TopicPartition:
        return TopicPartition(self._settings.topics.chunks, partition)

    def _hear_heartbeats(self, consumer: AIOKafkaConsumer) -> None:
        """aiokafka tells nobody when the group last answered, and only by that a frozen member knows that it is out."""
        coordinator = consumer._coordinator
        beat = coordinator._do_heartbeat

        async def heard() -> bool:
            """One heartbeat; an answer renews the lease, as of when it was asked for."""
            asked = Instant.now()
            answered = await beat()
            if answered:
                self.lease.renew(asked)
            elif coordinator.generation < 0:  # which says that the group does not know us
                self.lease.end()
            return answered

        coordinator._do_heartbeat = heard
