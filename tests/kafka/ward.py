"""A ward on Kafka for the chaos tests and benchmarks: beds to play, daemons as processes, and one who listens."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ecgstream.demo.processes import DaemonProcess
from ecgstream.settings import KafkaSettings
from ecgstream.waveform import GRID_HZ, STANDARD_LEADS, Chunk
from ecgstream.wire import ecgstream_pb2 as pb
from ecgstream.wire.codec import decode, encode, encode_chunk
from simulators.destinations import KafkaDestination
from simulators.faults import Faults
from simulators.feed import Due
from simulators.patient import Patient
from simulators.player import Player
from simulators.programme import Part, play_parts
from simulators.script import BedScript, Episode, episode

from .topics import reader

TELEMETRY = ("I", "II", "V")
REST_S = 10.0
"""Every bed ends at rest."""
ILLS = (
    "ventricular_tachycardia",
    "asystole",
    "ventricular_fibrillation",
    "extreme_bradycardia",
    "extreme_tachycardia",
    "atrial_fibrillation",
)
FAULTS = Faults(duplicate=0.02, reorder=0.03, gap=(3.0, 50.0), poison_at=30.0)
"""What the network does to every bed of the ward, in every run the same."""


@dataclass(frozen=True)
class Score:
    """What a ward plays: ready payloads, so that each run plays the same bytes for little work."""

    due: list[Due]
    seconds: float
    chunk_s: float
    beds: tuple[str, ...]


def write_score(scripts: Iterable[BedScript], seconds: float, chunk_s: float = 0.5, faults: Faults = FAULTS) -> Score:
    """The messages of these beds, beginning now."""
    parts = [Part(script.stream_id, Patient(script), seconds, {}) for script in scripts]
    due = [_encoded(item) for item in play_parts(parts, time.time_ns(), chunk_s, faults, seed=0)]
    return Score(due, seconds, chunk_s, tuple(part.stream_id for part in parts))


def ill_ward(beds: int, seconds: float, seed: int = 0) -> list[BedScript]:
    """Beds that are lethally ill again and again until shortly before the end, and lose a lead now and then."""
    return [_ill_bed(number, seconds, np.random.default_rng([seed, number])) for number in range(beds)]


def _ill_bed(number: int, seconds: float, rng: np.random.Generator) -> BedScript:
    episodes: list[Episode] = []
    at_s, turn = 0.0, number
    while True:
        ill_s = at_s + rng.uniform(10, 16)
        well_s = ill_s + rng.uniform(13, 17)
        if well_s > seconds - REST_S:
            break
        episodes.append(episode("sinus", at_s, ill_s, rng.uniform(62, 88)))
        episodes.append(episode(ILLS[turn % len(ILLS)], ill_s, well_s))
        at_s, turn = well_s, turn + 1
    episodes.append(episode("sinus", at_s, seconds, 72))
    episodes.append(episode("lead_off", 8.0 + number, 14.0 + number))
    leads, fs_hz = (STANDARD_LEADS, 500) if number % 4 == 3 else (TELEMETRY, 250)
    return BedScript(f"icu/bed-{number + 1:02}", leads, fs_hz, int(rng.integers(1 << 31)), tuple(episodes))


def _encoded(item: Due) -> Due:
    content = item.content
    return item._replace(content=encode(encode_chunk(content))[1]) if isinstance(content, Chunk) else item


class Feed(threading.Thread):
    """Plays a score into the topic of chunks at a steady speed; a broker that is away holds it back."""

    def __init__(self, score: Score, settings: KafkaSettings, speed: float | None):
        super().__init__(name="feed", daemon=True)
        self._score, self._speed = score, speed
        self._destination = KafkaDestination(settings.model_copy(update={"request_timeout_s": 60.0}))
        self._until_s = score.seconds
        self.begun_s = time.monotonic()
        self.played_s = 0.0
        self.lost = 0
        self.start()

    def finish(self, further_s: float) -> None:
        """Play so much more of the score, and wait until it is played. Raises RuntimeError when messages were lost."""
        self._until_s = min(self.played_s + further_s, self._score.seconds)
        self.join()
        if self.lost:
            raise RuntimeError(f"The feed lost {self.lost} messages; the run shows nothing.")

    def run(self) -> None:
        """Until the end, or where it is to be."""
        player = Player(self._destination, "protobuf", self._speed)
        for item, sent in zip(self._score.due, player.play(self._score.due, time.time_ns()), strict=True):
            self.played_s = item.due_s
            self.lost += sent.dropped
            if self.played_s > self._until_s:
                break
        self.lost += self._destination.close(60.0)


class Member(DaemonProcess):
    """A daemon of the group. ``die_at``: "step:n" has it kill itself right after that step of its n-th delivery."""

    def __init__(
        self,
        folder: Path,
        settings: KafkaSettings,
        model: bool = False,
        die_at: str = "",
        **sections: dict[str, object],
    ):
        folder.mkdir()
        wanted = {
            "source": {"kind": "kafka"},
            "sink": {"kind": "kafka"},
            "kafka": settings.model_dump(mode="json", exclude_none=True),
            "diagnosis": {"enabled": model},
            "state": {"path": None},
        }
        super().__init__(folder, wanted | sections, environment={"ECGSTREAM_TEST_DIE_AT": die_at} if die_at else {})
        self._was_ready = False
        self.start()

    def has_been_ready(self) -> bool:
        """It has been ready once; in a rebalance it is not for a while."""
        self._was_ready = self._was_ready or self.is_ready()
        return self._was_ready

    @property
    def alive(self) -> bool:
        """The process has not ended."""
        return self.process.poll() is None

    def last_words(self) -> str:
        """The end of its log."""
        return self.log.read_text()[-2000:]

    def kill(self) -> None:
        """SIGKILL, as the kernel does when memory is short."""
        self.process.kill()
        self.process.wait()

    def freeze(self, seconds: float) -> None:
        """SIGSTOP, then SIGCONT: a machine that hung."""
        os.kill(self.process.pid, signal.SIGSTOP)
        time.sleep(seconds)
        os.kill(self.process.pid, signal.SIGCONT)


@dataclass(frozen=True)
class Heard:
    """An alert and when it came, by the monotonic clock."""

    alert: pb.Alert
    at_s: float


@dataclass
class Listener:
    """Hears alerts and vitals as they are committed, in a thread of its own."""

    settings: KafkaSettings
    alerts: list[Heard] = field(default_factory=list)
    judged_to_s: dict[str, float] = field(default_factory=dict)

    def __enter__(self) -> Listener:
        self._ending, self._ready = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._listen()), name="listener", daemon=True)
        self._thread.start()
        self._ready.wait(60)
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join(10)

    async def _listen(self) -> None:
        topics = self.settings.topics.alerts, self.settings.topics.vitals
        async with reader(self.settings.bootstrap[0], *topics) as consumer:
            self._ready.set()
            while not self._ending.is_set():
                for batch in (await consumer.getmany(timeout_ms=100)).values():
                    for message in batch:
                        self._hear(decode(message.value, dict(message.headers)["content-type"].decode()))

    def _hear(self, said: pb.Alert | pb.Vitals) -> None:
        if isinstance(said, pb.Alert):
            self.alerts.append(Heard(said, time.monotonic()))
        else:
            at_s = said.sample / GRID_HZ
            self.judged_to_s[said.stream_id] = max(at_s, self.judged_to_s.get(said.stream_id, 0.0))

    def wait_until_judged(self, score: Score, to_s: float, timeout_s: float) -> None:
        """Until every bed has vitals up to there. Raises TimeoutError that names the beds which have not."""
        deadline_s = time.monotonic() + timeout_s
        while late := [bed for bed in score.beds if self.judged_to_s.get(bed, 0.0) < to_s]:
            if time.monotonic() > deadline_s:
                reached = {bed: self.judged_to_s.get(bed, 0.0) for bed in late}
                raise TimeoutError(f"not judged up to {to_s:.0f} s within {timeout_s:.0f} s: {reached}")
            time.sleep(0.05)
