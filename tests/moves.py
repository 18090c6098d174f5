"""A log, a daemon that may die at any moment, and whoever goes on after it: all but Kafka itself."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from fractions import Fraction
from random import Random

import numpy as np

from ecgstream.checkpoints import Checkpoints
from ecgstream.clock import ManualClock
from ecgstream.diagnosis import Model
from ecgstream.metrics import Metrics
from ecgstream.outputs import Outgoing
from ecgstream.pipeline import Pipeline, Step
from ecgstream.settings import Settings
from ecgstream.sources.message import Message, Position
from ecgstream.upkeep import apply_order
from ecgstream.waveform import Channel, ChannelGroup, Chunk, GroupKind, Layout
from ecgstream.wire import ecgstream_pb2 as pb
from ecgstream.wire.codec import decode, encode, encode_chunk
from ecgstream.wire.leads import assign_slots

from .feed import START_NS, signal

WALL_CLOCK = ("late_s", "published_time_ns")
UTC = ("onset_time_ns", "time_ns")
UTC_NS = 150_000_000
"""UTC is a fit that goes on being refined: how much of the log a pass had seen shows in it, the more so where a segment
begins, on a hop's boundary."""


@dataclass
class Feed:
    """One bed of the log: parts of the made-up rhythm one after another, and what goes wrong on the way."""

    stream_id: str
    fs: int = 250
    names: tuple[str, ...] = ("I", "II", "V1")
    parts: int = 3
    seed: int = 0
    partition: int = 0
    silent_s: tuple[float, float] = (1e9, 1e9)  # nothing is sent
    fewer_leads_s: float = 1e9  # from here on the first lead alone
    faults: float = 0.0  # share of chunks lost, doubled, or late

    def sent(self) -> list[tuple[float, Message]]:
        rng = Random(self.seed)
        samples = np.concatenate([signal(self.fs, len(self.names), self.seed + k) for k in range(self.parts)], 1)
        out, at, sequence = [], 0, 0
        while at < samples.shape[1]:
            stop = min(at + int(rng.choice((0.2, 0.5, 1.0, 1.0, 1.3)) * self.fs), samples.shape[1])
            arrives_s, fault = stop / self.fs, rng.random() < self.faults
            if not self.silent_s[0] <= at / self.fs < self.silent_s[1] and not (fault and rng.random() < 0.4):
                late_s = rng.choice((0, 0.9)) if fault else 0
                out += [(arrives_s + late_s, self._message(sequence, at, samples[:, at:stop]))] * (1 + fault)
            at, sequence = stop, sequence + 1
        return out

    def _message(self, sequence: int, at: int, samples: np.ndarray) -> Message:
        names = self.names if at / self.fs < self.fewer_leads_s else self.names[:1]
        channels = tuple(Channel(0, name, "mV", 200.0, 0) for name in names)
        group = ChannelGroup(
            Layout(GroupKind.ECG, Fraction(self.fs), channels, assign_slots(channels)), samples[: len(names)]
        )
        chunk = Chunk(self.stream_id, sequence, START_NS + round(at * 1e9 / self.fs), (group,))
        content_type, payload = encode(encode_chunk(chunk))
        return Message(payload, content_type, START_NS)


def log_of(feeds: list[Feed]) -> list[Message]:
    """The messages of all beds, in order of time, each with its position."""
    timed = sorted(
        ((t, n, m, feed.partition) for n, feed in enumerate(feeds) for t, m in feed.sent()), key=lambda x: x[:2]
    )
    offsets: dict[int, int] = defaultdict(int)
    out = []
    for t, _, message, partition in timed:
        position = Position(partition, offsets[partition], START_NS + round(t * 1e9), 0)
        out.append(Message(message.payload, message.content_type, message.arrived_ns, position))
        offsets[partition] += 1
    return out


class Crash(Exception):
    """The process is gone."""


@dataclass
class World:
    """What outlives every daemon: topics and committed offsets."""

    log: list[Message]
    orders: dict[int, pb.Control] = field(default_factory=dict)  # by the number of messages before them
    state: dict[int, dict[str, bytes]] = field(default_factory=lambda: defaultdict(dict))
    committed: dict[int, int] = field(default_factory=dict)
    ordered: int = 0
    alerts: list[pb.Alert] = field(default_factory=list)
    vitals: dict[tuple[str, int], pb.Vitals] = field(default_factory=dict)
    diagnoses: dict[tuple[str, int], pb.Diagnosis] = field(default_factory=dict)
    beats: dict[str, set[tuple[int, bool]]] = field(default_factory=lambda: defaultdict(set))
    first_kept: dict[int, int] = field(default_factory=dict)  # by partition: what retention has left

    @property
    def partitions(self) -> list[int]:
        return sorted({message.position.partition for message in self.log})

    def end(self, partition: int) -> int:
        return sum(message.position.partition == partition for message in self.log)

    def tell(self, out: list[Outgoing]) -> None:
        for outgoing in out:
            said = decode(outgoing.payload, outgoing.content_type)
            if outgoing.name == "alert":
                self.alerts.append(said)
            else:
                kept = self.vitals if outgoing.name == "vitals" else self.diagnoses
                key = said.stream_id, said.sample
                if key in kept:
                    assert_told_alike(kept[key], said)
                kept[key] = said


class Node:
    """A daemon without its sockets: takes up every partition, then works through the log in the order of a commit."""

    def __init__(self, world: World, settings: Settings, model: Model | None = None):
        self.world = world
        self.pipeline = Pipeline(settings, model, Metrics(), ManualClock(START_NS), observer=self._look)
        self.checkpoints = self.pipeline.checkpoints = Checkpoints(self.pipeline, settings)
        self.start = {p: self._take_up(p) for p in world.partitions}

    def _take_up(self, partition: int) -> int:
        world, oldest = self.world, self.world.first_kept.get(partition, 0)
        committed = world.committed.get(partition, 0)
        out, start = self.checkpoints.resume(partition, world.state[partition], oldest, committed, world.end(partition))
        world.tell(out)
        assert start == max(committed, oldest)
        return start

    def _look(self, step: Step) -> None:
        beats = step.rhythm.beats
        for i, row in enumerate(step.conditioned.rows.tolist()):
            if not self.pipeline.intake.is_held(step.conditioned.rows)[i]:
                mine = beats.row == row
                said = zip(beats.sample[mine].tolist(), beats.ventricular[mine].tolist(), strict=True)
                self.world.beats[self.pipeline.intake.stream_id(row)].update(said)

    def run(self, per_pass: int = 7, crash_at: int = -1, stage: int = 0) -> None:
        """Work to the end of the log, or die in the pass that holds message ``crash_at`` of it, at a stage."""
        todo = [n for n, m in enumerate(self.world.log) if m.position.offset >= self.start[m.position.partition]]
        at = 0
        while at < len(todo):
            self._take_orders(todo[at])
            upto = at + per_pass
            for due in list(self.world.orders)[self.world.ordered :]:
                upto = next((k for k in range(at, min(upto, len(todo))) if todo[k] >= due), upto)
            part = todo[at:upto]
            dies = bool(part) and part[0] <= crash_at <= part[-1]
            if dies:
                part = [n for n in part if n <= crash_at]
            self._pass([self.world.log[n] for n in part], stage if dies else -1)
            at = upto
        self._take_orders(len(self.world.log))

    def _take_orders(self, n: int) -> None:
        for due in list(self.world.orders)[self.world.ordered :]:
            if due > n:
                return
            order = self.world.orders[due]
            _, out = apply_order(self.pipeline, order)
            self._deliver(out, -1, (order.stream_id,))
            self.world.ordered += 1

    def _pass(self, messages: list[Message], dies: int) -> None:
        out = self.pipeline.process(messages)
        assert not self.pipeline.refused
        self._deliver(out, dies)

    def _deliver(self, out: list[Outgoing], dies: int, changed: tuple[str, ...] = ()) -> None:
        if dies == 0:
            raise Crash
        self.world.tell([o for o in out if o.name != "alert"])
        if dies == 1:
            raise Crash
        records = self.checkpoints.records(out, changed)
        for stream_id, (partition, record) in records.items():
            assert partition == self.checkpoints.partition_of(stream_id)
            self.world.state[partition][stream_id] = record
        if dies == 2:
            raise Crash
        self.world.tell([o for o in out if o.name == "alert"])
        if dies == 3:
            raise Crash
        self.checkpoints.saved(records)
        self.world.committed.update(self.checkpoints.bounds())


def assert_told_alike(one: pb.Alert | pb.Vitals | pb.Diagnosis, other: pb.Alert | pb.Vitals | pb.Diagnosis) -> None:
    """Equal, wall-clock fields aside; UTC to the precision of its fit; scores to 1e-4."""
    copies = []
    for said in (one, other):
        copy = type(said)()
        copy.CopyFrom(said)
        for name in (*WALL_CLOCK, *UTC, "scores"):
            if name in copy.DESCRIPTOR.fields_by_name:
                copy.ClearField(name)
        if isinstance(copy, pb.Alert) and copy.HasField("strip"):
            copy.strip.ClearField("start_time_ns")
        copies.append(copy)
    assert copies[0] == copies[1]
    for name in UTC:
        if name in one.DESCRIPTOR.fields_by_name:
            assert abs(getattr(one, name) - getattr(other, name)) < UTC_NS, f"{name}\n{one}\n{other}"
    if isinstance(one, pb.Diagnosis):
        np.testing.assert_allclose(*([score.probability for score in said.scores] for said in (one, other)), atol=1e-4)


def assert_same_told(moved: World, undisturbed: World) -> None:
    """Nothing lost, nothing said otherwise."""
    expected = {(alert.alert_id, alert.update): alert for alert in undisturbed.alerts}
    for alert in moved.alerts:
        assert (alert.alert_id, alert.update) in expected, f"nobody said {alert.condition} otherwise"
        assert_told_alike(alert, expected[alert.alert_id, alert.update])
    assert {(alert.alert_id, alert.update) for alert in moved.alerts} == set(expected)
    assert moved.beats == undisturbed.beats
    for name in ("vitals", "diagnoses"):
        mine, theirs = getattr(moved, name), getattr(undisturbed, name)
        assert mine.keys() == theirs.keys()
        for key, said in mine.items():
            assert_told_alike(said, theirs[key])
