"""Disturbs a ward: real daemons of one group on a real broker are killed, frozen, sent away and joined under load."""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ecgstream.kafka import topics
from ecgstream.settings import KafkaSettings, Settings, SinkSettings, SourceSettings, TopicSettings

from .alerts import Alerts, Comparison, compare, read_alerts
from .brokers import Broker
from .ward import Feed, Listener, Member, Score

PARTITIONS = 4
"""By the hash of their names, all of them have beds of the ill ward."""
CREW = 2
"""Members that are there all the time; a disturbance may add two more."""
CALM_S = 17.0
"""Seconds of the ward after the last disturbance: what a dead member told last lies before what is waited for."""
HOLE_S = 7.0
"""Nothing is said of a bed for so long where the network has lost a gap of it, while 2 s of later signal are waited for
(``lateness_s``), and one of those chunks comes late: the ward may end there."""
DEATH_WAIT_S = 15.0
"""A member that was told to die at a step and has not done so by then (it had no bed, say) is killed."""
READY_S = 180.0
"""A daemon compiles its encoder for every size of batch first, on a busy machine for a minute."""
JUDGED_S = 120.0
KILLS = frozenset({"kill", "step"})


@dataclass(frozen=True)
class Disturbance:
    """``kill``, ``step`` (die right after ``detail``, "step:n"), ``leave``, ``join``, ``freeze`` or ``broker``."""

    kind: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.detail}".strip()


def step_kills(steps: Sequence[int], dice: random.Random) -> list[Disturbance]:
    """A kill right after each of these steps of the commit, of one of the member's first twenty deliveries."""
    return [Disturbance("step", f"{step}:{dice.randint(1, 20)}") for step in steps]


def fresh_settings(broker: Broker, delivery: str, session_timeout_s: float) -> Settings:
    """A group and topics of their own, the topics made as `ecgstream topics create` makes them."""
    run = uuid.uuid4().hex[:8]
    names = {name: f"{run}.{known.default}" for name, known in TopicSettings.model_fields.items()}
    settings = Settings(
        source=SourceSettings(kind="kafka"),
        sink=SinkSettings(kind="kafka"),
        kafka=KafkaSettings(
            bootstrap=(broker.bootstrap,),
            group=run,
            delivery=delivery,
            session_timeout_s=session_timeout_s,
            topics=TopicSettings(**names),
        ),
    )
    with ThreadPoolExecutor(1) as pool:  # so that a caller may have an event loop running
        pool.submit(asyncio.run, topics.create(settings, PARTITIONS, 1)).result()
    return settings


@dataclass
class Crew:
    """The members of one run; whatever happens, none is left behind."""

    settings: KafkaSettings
    folder: Path
    model: bool
    members: list[Member] = field(default_factory=list)
    count: int = 0

    def join(self, die_at: str = "") -> Member:
        """Start one more; it takes seconds until it is ready."""
        self.count += 1
        member = Member(self.folder / f"member-{self.count:02}", self.settings, self.model, die_at)
        self.members.append(member)
        return member

    def remove(self, member: Member, kill: bool) -> None:
        """SIGKILL, or SIGTERM and let it finish."""
        self.members.remove(member)
        if kill:
            member.kill()
        else:
            member.stop()

    def any(self, dice: random.Random) -> Member:
        """One of those that have started, as soon as one has. Raises RuntimeError for one that ended by itself."""
        deadline_s = time.monotonic() + READY_S
        while time.monotonic() < deadline_s:
            for member in self.members:
                if not member.alive:
                    raise RuntimeError(f"A member ended by itself ({member.process.returncode}): {member.last_words()}")
            if ready := [member for member in self.members if member.has_been_ready()]:
                return dice.choice(ready)
            time.sleep(0.05)
        raise RuntimeError(f"No member was ready within {READY_S:.0f} s: {self.members[0].last_words()}")


@contextmanager
def crew(settings: KafkaSettings, model: bool, folder: Path):
    """A crew of none yet; at the end all of it is killed."""
    people = Crew(settings, Path(tempfile.mkdtemp(dir=folder)), model)
    try:
        yield people
    finally:
        for member in people.members:
            member.kill()


@dataclass
class Run:
    """One run of a ward from its first message to its last, and what was done to it on the way."""

    broker: Broker
    score: Score
    folder: Path
    delivery: str
    dice: random.Random
    session_timeout_s: float = 3.0
    model: bool = False
    kills: int = 0
    done: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    """Steps that a member never came to, so that it was killed at another moment."""

    def undisturbed(self) -> Alerts:
        """By one daemon, at full speed."""
        settings = self._settings()
        with crew(settings, self.model, self.folder) as people, Listener(settings) as listener:
            people.join().wait_ready(READY_S)
            feed = Feed(self.score, settings, None)
            self._end(feed, self.score.seconds, people, listener)
        return read_alerts(settings)

    def disturbed(
        self,
        reference: Alerts,
        disturbances: Sequence[Disturbance],
        speed: float,
        tell: Callable[[Disturbance], None] = lambda _: None,
    ) -> Comparison:
        """By CREW members and more, these things happening one after another until the ward has no more to play."""
        settings = self._settings()
        with crew(settings, self.model, self.folder) as people, Listener(settings) as listener:
            for member in [people.join() for _ in range(CREW)]:
                member.wait_ready(READY_S)
            feed = Feed(self.score, settings, speed)
            for disturbance in disturbances:
                time.sleep(self.dice.uniform(0.5, 2.0))
                if feed.played_s > self.score.seconds - CALM_S:
                    break
                self._disturb(disturbance, people)
                self.kills += disturbance.kind in KILLS
                self.done.append(str(disturbance))
                tell(disturbance)
            until_s = self._end(feed, CALM_S, people, listener)
        return compare(reference, read_alerts(settings), until_s)

    def _end(self, feed: Feed, further_s: float, people: Crew, listener: Listener) -> float:
        """Up to which second of the ward everything has been told, all members having ended."""
        feed.finish(further_s)
        until_s = feed.played_s - HOLE_S
        listener.wait_until_judged(self.score, until_s, JUDGED_S)
        for member in people.members[:]:
            people.remove(member, kill=False)
        return until_s

    def _settings(self) -> KafkaSettings:
        return fresh_settings(self.broker, self.delivery, self.session_timeout_s).kafka

    def _disturb(self, disturbance: Disturbance, people: Crew) -> None:
        match disturbance.kind:
            case "step":
                self._die_at(disturbance.detail, people)
            case "kill":
                people.remove(people.any(self.dice), kill=True)
                people.join()
            case "leave":
                people.remove(people.any(self.dice), kill=False)
                people.join()
            case "join":
                if len(people.members) < CREW + 2:
                    people.join()
            case "freeze":
                people.any(self.dice).freeze(self.session_timeout_s + 2.0)
            case "broker":
                self.broker.kill()
                self.broker.start()

    def _die_at(self, where: str, people: Crew) -> None:
        """One more member joins, and is to die at a step."""
        doomed = people.join(where)
        while doomed.alive and not doomed.has_been_ready():
            time.sleep(0.05)
        deadline_s = time.monotonic() + DEATH_WAIT_S
        while doomed.alive and time.monotonic() < deadline_s:
            time.sleep(0.02)
        if doomed.alive:
            self.late.append(where)
        people.remove(doomed, kill=True)
