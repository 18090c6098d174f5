"""Beds come and go with the partitions of the log: what is finished before one goes, and taken up when one comes.

Kafka's group takes all partitions away and gives them out again whenever somebody joins or leaves. So a partition that
is taken away is *parked*: everything taken in is delivered, its beds keep their rows and say nothing. If it comes back
and nobody has committed in between, it goes on where it was; else its beds are let go of, and taken up from the log.

What could not be finished (others had our beds already, the broker was away too long) is dropped whole: the next owner,
which may be us, computes it again from the log.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Protocol, TypeVar

import structlog

from .checkpoints import Checkpoints
from .checkpoints.record import partitions_of
from .chunk_log import ChunkLog
from .delivery import Results
from .kafka.group import Extent, Extents
from .kafka.keys import partition_of_key
from .kafka.producers import NO_PARTITION
from .metrics import Metrics
from .outputs import Outgoing
from .sources.message import Message

CONTROL_KEY = "\x00control"
"""Key in the state topic under which a partition's place in the control topic is kept; no stream id can be it."""

COMMIT_S = 1.0

T = TypeVar("T")
log = structlog.get_logger()


class Queues(Protocol):
    """What is needed of the stages."""

    async def in_compute(self, function: Callable[..., T], *arguments: object) -> T:
        """Run in the compute thread, in turn."""
        ...

    async def finish(self, partitions: set[int]) -> None:
        """Return when everything taken in has been delivered and the partitions are parked."""
        ...

    async def tell(self, results: Results) -> None:
        """Deliver in turn."""
        ...


class Membership:
    """Which partitions are ours; the ``Owner`` of a KafkaSource. Its tables change in the compute thread alone."""

    def __init__(self, checkpoints: Checkpoints, queues: Queues, metrics: Metrics):
        self._checkpoints, self._queues, self._metrics = checkpoints, queues, metrics
        self.log: ChunkLog
        self.owned: dict[int, int] = {}  # partition to the epoch of its assignment
        self.parked: dict[int, int] = {}  # the same, of partitions that were ours until now
        self.committed: dict[int, int] = {}  # by us, of what we hold
        self.life = 0
        """Results of an older life are not delivered: all beds have been let go of since."""
        self.tainted = False
        """Something could not be finished: nothing more is delivered in this life."""
        self._next: dict[int, int] = {}  # offset behind what was taken in
        self._next_order: dict[int, int] = {}  # the same in the control topic
        self._told: dict[int, int] = {}  # offsets last given to be committed
        self._told_s = 0.0

    # -------------------------------------------------------------------------------------------- in the compute thread

    def ours(self, messages: list[Message]) -> list[Message]:
        """Those read under an assignment that still holds."""
        owned, kept = self.owned, []
        for message in messages:
            place = message.position
            if place is not None and owned.get(place.partition) == place.epoch:
                self._next[place.partition] = place.offset + 1
                kept.append(message)
        return kept

    def results(self, out: list[Outgoing], changed: tuple[str, ...] = (), every: bool = False) -> Results:
        """``out`` with the records to be saved beside it: of beds with alerts, due, or ``changed`` by an order."""
        checkpoints = self._checkpoints
        records = checkpoints.records(out, changed, every)
        checkpoints.saved(records)  # by the time the offsets are committed
        gone = [(partition, stream_id, None) for stream_id, partition in checkpoints.take_gone().items()]
        return Results(
            out,
            records=gone + [(partition, stream_id, record) for stream_id, (partition, record) in records.items()],
            offsets=self._offsets(every),
            partition_of={o.stream_id: self._partition_of(o.stream_id) for o in out},
            life=self.life,
        )

    def _offsets(self, at_once: bool) -> dict[int, int]:
        """Those that have moved, once a second: to commit an older one costs a new owner a little more to read."""
        if not at_once and time.monotonic() - self._told_s < COMMIT_S:
            return {}
        self._told_s = time.monotonic()
        moved = {p: offset for p, offset in self._checkpoints.bounds().items() if offset != self._told.get(p)}
        self._told |= moved
        return moved

    def _partition_of(self, stream_id: str) -> int:
        try:
            return self._checkpoints.partition_of(stream_id)
        except KeyError:  # let go of in this very pass
            return NO_PARTITION

    def order_applied(self, out: list[Outgoing], stream_id: str, partition: int, offset: int) -> Results:
        """What came of an order read from the control topic, and the place behind it."""
        results = self.results(out, (stream_id,))
        self._next_order[partition] = offset + 1
        results.records.append(self._place(partition))
        return results

    def park(self, partitions: set[int]) -> Results:
        """The last words on these partitions: every bed's record."""
        for partition in partitions:
            if (epoch := self.owned.pop(partition, None)) is not None:
                self.parked[partition] = epoch
        return self.results([], every=True)

    def _keep(self, held: dict[int, Extent]) -> dict[int, int]:
        """Let go of all but what is ours again as we left it; the offsets from which that goes on."""
        before = self.log.source.epoch - 1  # an assignment earlier than that: others have had it since
        mine = {p for p, epoch in self.parked.items() if epoch == before and p in held and p in self._next}
        keep = {partition for partition in mine if self.committed.get(partition) == held[partition].committed}
        if self.tainted or self._checkpoints.partitions != self.log.source.partitions:  # else beds may have moved
            keep, self.tainted = set(), False
            self._checkpoints.partitions = self.log.source.partitions
            self.life += 1
        gone = (self.parked.keys() | self.owned.keys()) - keep
        self._checkpoints.release(gone)
        for table in (self.owned, self.committed, self._next, self._next_order, self._told):
            for partition in gone & set(table):
                del table[partition]
        self.parked = {partition: before for partition in keep}
        return {partition: self._next[partition] for partition in keep}

    def _take_up(self, loaded: dict[int, dict[str, bytes]], held: dict[int, Extent]) -> tuple[Results, dict[int, int]]:
        """Beds from their records; the offset from which each partition is to be read."""
        out: list[Outgoing] = []
        offsets, grown = {}, False
        for partition, records in loaded.items():
            place = _place_in(records.pop(CONTROL_KEY, None))
            self._next_order[partition] = place["offset"]
            grown = grown or place["partitions"] != self._checkpoints.partitions
            first, end, committed = held[partition]
            told, offsets[partition] = self._checkpoints.resume(
                partition, records, first, first if committed is None else committed, end
            )
            out += told
            self._metrics.taken_up.inc(len(records))
        results = self.results(out, every=grown)  # with the new places, as nobody will look elsewhere again
        results.records += [self._place(partition) for partition in loaded]
        return results, offsets

    def _own(self, partitions: set[int], epoch: int) -> None:
        self.parked.clear()
        self.owned.update(dict.fromkeys(partitions, epoch))

    def _place(self, partition: int) -> tuple[int, str, bytes]:
        place = {"offset": self._next_order[partition], "partitions": self.log.source.partitions}
        return partition, CONTROL_KEY, json.dumps(place).encode()

    # ------------------------------------------------------------------------------------------------ on the event loop

    async def lose(self, partitions: set[int]) -> None:
        """Everything taken in of these partitions is delivered; their beds fall silent."""
        self.log.control.lose(partitions)
        try:
            await self._queues.finish(partitions)
        except asyncio.CancelledError:
            self.tainted = True  # it took too long
            raise

    async def gain(self, partitions: set[int], extents: Extents) -> dict[int, int]:
        """Take up the beds of these partitions; the offset to read each from. DeliveryError: to be tried again."""
        try:
            return await self._gain(partitions, extents)
        except BaseException:
            self.tainted = True  # some may have been taken up, some not
            raise

    async def _gain(self, partitions: set[int], extents: Extents) -> dict[int, int]:
        await self.log.producers.gain(partitions)
        held = await extents()
        kept = await self._queues.in_compute(self._keep, held)
        loaded = await self._load(partitions - set(kept))
        results, offsets = await self._queues.in_compute(self._take_up, loaded, held)
        await self.log.control.gain({partition: self._next_order[partition] for partition in partitions})
        await self._queues.in_compute(self._own, partitions, self.log.source.epoch)
        await self._queues.tell(results)
        log.info("beds taken up", partitions=sorted(loaded), kept=sorted(kept), beds=sum(map(len, loaded.values())))
        return kept | offsets

    async def _load(self, partitions: set[int]) -> dict[int, dict[str, bytes]]:
        """By partition the records of its beds: where the topic has grown, of those that came, not those that went."""
        state, count = self.log.state, self.log.source.partitions
        loaded = dict(zip(partitions, await asyncio.gather(*map(state.load, partitions)), strict=True))
        for partition, records in loaded.items():
            self._checkpoints.departed[partition] = departed = {
                stream_id
                for stream_id in records.keys() - {CONTROL_KEY}
                if partitions_of(records[stream_id]) != count and partition_of_key(stream_id, count) != partition
            }
            for stream_id in departed:
                del records[stream_id]
        if any(_place_in(records.get(CONTROL_KEY))["partitions"] != count for records in loaded.values()):
            for stream_id, (_, record) in (await state.load_all()).items():
                if stream_id != CONTROL_KEY and (partition := partition_of_key(stream_id, count)) in loaded:
                    loaded[partition].setdefault(stream_id, record)
        return loaded


def _place_in(record: bytes | None) -> dict[str, int]:
    """What ``Membership._place`` wrote; without it, the control topic is read from its beginning."""
    return {"offset": 0, "partitions": 0} if record is None else json.loads(record)
