"""Writes checkpoint records, and takes beds up from them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import structlog

from ..alarms import keeping
from ..alarms.machine import State
from ..errors import IntakeError, StateError
from ..outputs import Outgoing
from ..pipeline import Pipeline
from ..settings import Settings
from ..sources.message import Position
from ..waveform import Condition
from .hashes import model_hash, settings_hash
from .log_clock import LogClock
from .places import Place, Standing, Written, why_inexact
from .record import Record, decode_all, encode
from .rooms import restore_rooms, save_rooms
from .spacing import Spacing

OUTBOX_BYTES = 6_000_000
"""Alerts in one record; the topic takes ``RECORD_BYTES``, which all open strips of a bed fit into."""

log = structlog.get_logger()


class Checkpoints:
    """Where every bed stands in the log, the records that say so, and beds taken up from records.

    A record is taken between two passes. It says all there is to know of a bed then, but for what a stretch of the log
    teaches again: signal histories, filters on their way in, the encoder. Whoever takes the bed up reads that stretch
    in silence, from the record's ``base``, with the hops from ``next_hop`` on held back; there what the rooms had
    learnt is put in place, and everything speaks. So nothing is said twice, and nothing is said otherwise.

    Calls must not overlap with each other or with the pipeline's.
    """

    def __init__(self, pipeline: Pipeline, settings: Settings):
        self.partitions = 0  # of the chunks topic, told by whoever knows
        self.departed: dict[int, set[str]] = {}  # by partition: streams that go to another since the topic grew
        self._pipeline, self._intake = pipeline, pipeline.intake
        self._tells_again = settings.kafka.delivery != "exactly-once"  # else a record is there only if its alerts are
        self._settings_hash = settings_hash(settings)
        self._spacing = Spacing(settings.state, pipeline)
        self._standings: dict[str, Standing] = {}
        self._rebuilding: dict[str, Record] = {}
        self._next: dict[int, int] = {}  # by partition: where it has been read up to
        self._clock = LogClock()
        self._gone: dict[str, int] = {}

    @property
    def _made_with(self) -> dict[str, str]:
        """Of records made now; another model may serve than a moment ago."""
        return {"model": model_hash(self._pipeline.models.served.model), "settings": self._settings_hash}

    # ----------------------------------------------------------------------------------------------- messages come in

    def before(self, stream_id: str, position: Position) -> bool:
        """Take note of a chunk that is about to be taken in; False when it must not be: it has been already."""
        self.passed(position)
        if stream_id in self.departed.get(position.partition, ()):
            return False
        standing = self._standings.get(stream_id)
        if standing is None or standing.partition != position.partition:
            standing = self._begin(stream_id, position)
        if position.offset < standing.next_offset:
            return False
        standing.next_offset = position.offset + 1
        row = self._intake.row_of.get(stream_id)
        grid = 0 if row is None else int(self._intake.newest_grid[row])
        if grid >= standing.next_grid:
            timeline = {} if row is None else self._intake.snapshot(row)
            if timeline is not None:
                log_ns = self._clock.now_ns(position.partition)
                standing.remember(Place(position.offset, log_ns, grid, timeline), self._spacing.needed)
        return True

    def passed(self, position: Position) -> None:
        """Take note of a message that is no bed's."""
        self._next[position.partition] = max(self._next.get(position.partition, 0), position.offset + 1)
        self._clock.note(position)

    def _begin(self, stream_id: str, position: Position) -> Standing:
        if stream_id in self._standings:
            log.warning("stream moved to another partition", stream_id=stream_id, partition=position.partition)
            self.forget([stream_id])
        at = position.partition, position.offset, position.offset
        standing = self._standings[stream_id] = Standing(*at, due_grid=self._spacing.first(stream_id))
        return standing

    def partition_of(self, stream_id: str) -> int:
        """Where the stream's messages lie. Raises KeyError for a stream that is not known here."""
        return self._standings[stream_id].partition

    # ------------------------------------------------------------------------------------------------ records go out

    def records(
        self, out: list[Outgoing], changed: Iterable[str] = (), every: bool = False
    ) -> dict[str, tuple[int, bytes]]:
        """Partition and record of every bed with alerts in ``out``, which go with it, or verdicts, of those ``changed``
        by an order, and of those whose time it is, or of all.

        A bed with more alerts than a record takes gets none this time: whoever goes back to the one before computes
        them again, the same. What an order did is in no log of samples, so its record is written always.
        """
        told = {o.stream_id for o in out if o.name in ("alert", "verdict")}
        wanted = self._standings.keys() if every else self._due() | self._standings.keys() & told.union(changed)
        outboxes: dict[str, list[Outgoing]] = {stream_id: [] for stream_id in wanted}
        if self._tells_again:
            for alert in (o for o in out if o.name == "alert" and o.stream_id in outboxes):
                outboxes[alert.stream_id].append(alert)
        too_large = {s for s, outbox in outboxes.items() if sum(len(o.payload) for o in outbox) > OUTBOX_BYTES}
        written = [s for s in outboxes if s not in too_large.difference(changed)]
        alarms = keeping.save_rows(self._pipeline.alarms, [self._intake.row_of[s] for s in written])
        return {
            s: (self._standings[s].partition, encode(self._record(s, outboxes[s], kept)))
            for s, kept in zip(written, alarms, strict=True)
        }

    def _due(self) -> set[str]:
        """Beds with new samples enough, and beds whose base has grown too old."""
        row_of, newest = self._intake.row_of, self._intake.newest_grid[: self._intake.n_rows].tolist()
        due = set()
        for stream_id, standing in self._standings.items():
            if stream_id in self._rebuilding:
                continue
            since_ns = self._clock.now_ns(standing.partition) - self._spacing.warmup_ns
            if newest[row_of[stream_id]] >= standing.due_grid or standing.is_too_old(since_ns):
                due.add(stream_id)
        return due

    def _record(self, stream_id: str, outbox: list[Outgoing], alarms: keeping.Kept) -> Record:
        """A bed's record; one that is still being rebuilt keeps the one it is rebuilt from, ``alarms`` aside."""
        row, standing = self._intake.row_of[stream_id], self._standings[stream_id]
        record = self._rebuilding.get(stream_id) or self._taken(row, standing)
        standing.sent.append(Written(record["offset"], record["base_offset"], record["base_log_ns"]))
        said = {"alarms": alarms, "verdicts": self._pipeline.verdicts.save(row), "outbox": outbox}
        return record | said | {"partitions": self.partitions}

    def _taken(self, row: int, standing: Standing) -> Record:
        grid, newest_ns = int(self._intake.newest_grid[row]), self._clock.now_ns(standing.partition)
        standing.due_grid = grid + self._spacing.every
        base = standing.base(grid, self._spacing.needed, newest_ns - self._spacing.warmup_ns)
        return self._made_with | {
            "partition": standing.partition,
            "offset": max(standing.next_offset, self._next.get(standing.partition, 0)),
            "log_ns": newest_ns,
            "base": base.timeline if base else None,
            "base_offset": base.offset if base else -1,
            "base_log_ns": base.log_ns if base else 0,
            "timeline": self._intake.save(row),
            "next_hop": int(self._intake.next_hop[row]),
            "rooms": save_rooms(self._pipeline, row),
        }

    def saved(self, stream_ids: Iterable[str]) -> None:
        """Take note that the oldest records of these beds not yet reported are durable."""
        for stream_id in stream_ids:
            standing = self._standings.get(stream_id)
            if standing and standing.sent:
                standing.durable = standing.sent.popleft()

    def bounds(self) -> dict[int, int]:
        """By partition, the offset that may be committed now: nothing before it needs to be read again."""
        bounds = dict(self._next)
        for standing in self._standings.values():
            bound = standing.bound()
            if bound is not None:
                bounds[standing.partition] = min(bounds.get(standing.partition, bound), bound)
        return bounds

    # ------------------------------------------------------------------------------------------------- beds are let go

    def patient_changed(self, stream_id: str) -> None:
        """Nobody is to learn from the log what the last patient's signal was like; the bed may get another row."""
        standing, record = self._standings[stream_id], self._rebuilding.pop(stream_id, None)
        if record is not None:
            alarms = keeping.save(self._pipeline.alarms, self._intake.row_of[stream_id])
            self._let_go(stream_id)
            self._take_up(stream_id, record | {"alarms": alarms}, standing.partition, record["offset"], False)
        self._standings[stream_id].forget_places()

    def forget(self, stream_ids: Iterable[str]) -> None:
        """Streams that exist no more; ``take_gone`` names those that have a record."""
        for stream_id in stream_ids:
            standing = self._standings.pop(stream_id, None)
            self._rebuilding.pop(stream_id, None)
            if standing and (standing.durable or standing.sent):
                self._gone[stream_id] = standing.partition

    def take_gone(self) -> dict[str, int]:
        """Streams whose records, in these partitions, are of no use any more; each is named once."""
        gone, self._gone = self._gone, {}
        return gone

    def release(self, partitions: Iterable[int]) -> None:
        """Let go of every stream of partitions that are another's now; their records stay."""
        for partition in set(partitions):
            for stream_id in [s for s, standing in self._standings.items() if standing.partition == partition]:
                del self._standings[stream_id]
                self._rebuilding.pop(stream_id, None)
                self._let_go(stream_id)
            self._gone = {stream_id: of for stream_id, of in self._gone.items() if of != partition}
            self._clock.forget(partition)
            for table in (self._next, self.departed):
                table.pop(partition, None)

    def _let_go(self, stream_id: str) -> None:
        row = self._intake.row_of.get(stream_id)
        if row is not None:
            self._pipeline.forget([row])
            self._intake.forget(row)

    # ----------------------------------------------------------------------------------------------- beds are taken up

    def resume(
        self,
        partition: int,
        records: dict[str, bytes],
        first_offset: int,
        committed_offset: int,
        end_offset: int | None = None,
    ) -> tuple[list[Outgoing], int]:
        """Take up the beds of a partition whose log holds messages from ``first_offset`` to before ``end_offset``
        (None: not known). The alerts that were to be told with the records, to be told again, and the offset to read
        the log from: the committed one, as ``saved`` gave no offset that is too late for any record, or the first.
        """
        readable = decode_all(records)
        out = [outgoing for record in readable.values() for outgoing in record["outbox"]]
        newest_ns = max((r["log_ns"] for r in readable.values() if r["partition"] == partition), default=0)
        start, exactly = max(first_offset, committed_offset), 0
        self._next[partition] = start
        since_ns, begins = newest_ns - self._spacing.warmup_ns, (start, newest_ns)
        for stream_id, record in readable.items():
            is_here = record["partition"] == partition and (end_offset is None or record["offset"] <= end_offset)
            why = why_inexact(record, self._made_with, start, since_ns) if is_here else "its log is another"
            if why:
                log.warning("bed taken up without its log", stream_id=stream_id, reason=why)
            else:
                begins = min(begins, (record["base_offset"], record["base_log_ns"]), key=lambda place: place[1])
            exactly += self._take_up(stream_id, record, partition, record["offset"] if is_here else start, not why)
        self._clock.take_up(partition, *begins)
        log.info("partition taken up", partition=partition, beds=len(readable), exactly=exactly, offset=start)
        return out, start

    def _take_up(self, stream_id: str, record: Record, partition: int, next_offset: int, exactly: bool) -> bool:
        intake, base_offset = self._intake, record["base_offset"] if exactly else -1
        try:
            if exactly:
                row = intake.resume(stream_id, record["base"], record["next_hop"])
                next_offset = base_offset
            else:
                row = intake.restore(stream_id, record["timeline"])
            self._pipeline.admit(stream_id)
            keeping.restore(self._pipeline.alarms, row, record["alarms"])
            self._pipeline.verdicts.restore(row, record.get("verdicts"))
            intake.last_arrival_ns[row] = self._last_arrival_ns(row, record["timeline"])
        except (IntakeError, KeyError, StateError) as error:
            self._let_go(stream_id)
            log.error("stream starts afresh: its checkpoint is of no use", stream_id=stream_id, text=str(error))
            return False
        standing = self._standings[stream_id] = Standing(partition, next_offset, next_offset)
        standing.durable = Written(next_offset, base_offset, record["base_log_ns"])
        grid = int(intake.newest_grid[row])
        standing.due_grid = grid + self._spacing.first(stream_id)
        if exactly:
            standing.durable = Written(record["offset"], base_offset, record["base_log_ns"])
            standing.remember(Place(base_offset, record["base_log_ns"], grid, record["base"]), self._spacing.needed)
            self._rebuilding[stream_id] = record
        return exactly

    def _last_arrival_ns(self, row: int, timeline: dict[str, Any]) -> int:
        """A bed is not silent because nobody listened; one that is known to be stays so."""
        stale = self._pipeline.alarms.alarms[row, Condition.STREAM_STALE]["state"] >= State.ACTIVE
        return int(timeline["last_arrival_ns"]) if stale else self._pipeline.clock.now_ns()

    def end_rebuilds(self) -> bool:
        """Put in place what the rooms of rebuilt beds had learnt, and let those speak; whether there were any.

        Called when every hop that may be handed out has been.
        """
        ended = [stream_id for stream_id, record in self._rebuilding.items() if self._is_over(stream_id, record)]
        for stream_id in ended:
            record, row = self._rebuilding.pop(stream_id), self._intake.row_of[stream_id]
            try:
                if self._intake.next_hop[row] != record["next_hop"]:
                    raise ValueError(f"hop {record['next_hop']} was expected next, not {self._intake.next_hop[row]}")
                restore_rooms(self._pipeline, row, record["rooms"])
            except (KeyError, ValueError) as error:
                log.error("bed goes on as its log was read", stream_id=stream_id, text=repr(error))
            self._intake.release_hold(row)
        return bool(ended)

    def _is_over(self, stream_id: str, record: Record) -> bool:
        """At its hold; or past its record without having met it, which must not keep the bed silent."""
        is_there = self._intake.next_hop[self._intake.row_of[stream_id]] >= record["next_hop"]
        return bool(is_there) or self._standings[stream_id].next_offset > record["offset"]
