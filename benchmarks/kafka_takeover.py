"""How long a bed is without a daemon: from SIGKILL to the survivor's alert for a lethal rhythm on an orphaned bed.

Two daemons of one group, the encoder on, share a ward in real time; one is killed, again and again. Counted are the
lethal alerts of the killed daemon's beds that would have been told between the kill and the session time-out: those
that had to wait for the survivor. A broker of our own, both daemons and the ward run on this machine.
"""

from __future__ import annotations

import json
import math
import random
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer
from own_broker import own_broker, say

from ecgstream.settings import KafkaSettings
from ecgstream.waveform import GRID_HZ
from ecgstream.wire import ecgstream_pb2 as pb
from simulators.faults import Faults
from simulators.script import BedScript, Episode, episode
from tests.kafka.brokers import Broker
from tests.kafka.chaos import READY_S, Crew, crew, fresh_settings
from tests.kafka.topics import messages
from tests.kafka.ward import TELEMETRY, Feed, Listener, Member, Score, write_score

SESSION_TIMEOUT_S = 6.0
BUDGET_S = SESSION_TIMEOUT_S + 3.0
PERIOD_S = 24.0
"""Every bed has ventricular tachycardia in half of each period, the beds one after another."""
SETTLE_S = 15.0
"""Until the first kill, and from a new member's start to the next: rules and encoder know their beds again."""
WATCH_S = 12.0
"""How long after a kill alerts are waited for."""
CYCLE_S = 60.0
"""More than a kill takes, with the start of a new member."""


@dataclass(frozen=True)
class Takeover:
    """One kill: how many orphaned beds had a lethal alert to be told, and when the first and the last were."""

    orphaned_beds: int
    alerts: int
    first_s: float
    worst_s: float


def vt_ward(beds: int, seconds: float) -> list[BedScript]:
    """Beds that go in and out of ventricular tachycardia, their onsets spread evenly over the period."""
    return [_vt_bed(number, number * PERIOD_S / beds, seconds) for number in range(beds)]


def _vt_bed(number: int, offset_s: float, seconds: float) -> BedScript:
    episodes: list[Episode] = []
    at_s = 0.0
    for onset_s in _steps(offset_s + PERIOD_S / 2, seconds - PERIOD_S / 2):
        episodes.append(episode("sinus", at_s, onset_s, 70 + number % 15))
        at_s = onset_s + PERIOD_S / 2
        episodes.append(episode("ventricular_tachycardia", onset_s, at_s, 165))
    episodes.append(episode("sinus", at_s, seconds, 72))
    return BedScript(f"bed-{number + 1:02}", TELEMETRY, 250, number, tuple(episodes))


def _steps(first_s: float, last_s: float) -> list[float]:
    return [first_s + n * PERIOD_S for n in range(max(0, math.ceil((last_s - first_s) / PERIOD_S)))]


def measure(
    broker: Broker,
    folder: Path,
    delivery: str,
    beds: int,
    kills: int,
    tell: Callable[[Takeover], None] = lambda _: None,
) -> list[Takeover]:
    """Kill one of two daemons this many times. Raises RuntimeError when a kill orphaned no bed with an alert due."""
    score = write_score(vt_ward(beds, SETTLE_S + kills * CYCLE_S), SETTLE_S + kills * CYCLE_S, faults=Faults())
    settings = fresh_settings(broker, delivery, SESSION_TIMEOUT_S).kafka
    dice, found = random.Random(0), []
    with crew(settings, True, folder) as people, Listener(settings) as listener:
        for member in [people.join() for _ in range(2)]:
            member.wait_ready(READY_S)
        feed = Feed(score, settings, 1.0)
        partition_of = None
        for _ in range(kills):
            time.sleep(SETTLE_S)
            partition_of = partition_of or _partitions(settings)
            found.append(_kill(people, listener, feed, score, partition_of, dice))
            tell(found[-1])
            people.join().wait_ready(READY_S)
        feed.finish(0.0)
    return found


def _partitions(settings: KafkaSettings) -> dict[str, int]:
    return {m.key.decode(): m.partition for m in messages(settings.bootstrap[0], settings.topics.chunks)}


def _kill(
    people: Crew, listener: Listener, feed: Feed, score: Score, partition_of: dict[str, int], dice: random.Random
) -> Takeover:
    victim = people.any(dice)
    owned = _owned(victim)
    orphaned = {bed for bed, partition in partition_of.items() if partition in owned}
    killed_s = time.monotonic()
    people.remove(victim, kill=True)
    time.sleep(WATCH_S)
    waits_s = [
        heard.at_s - killed_s
        for heard in listener.alerts[:]
        if heard.alert.lethal
        and heard.alert.state == pb.Alert.ACTIVE
        and not (heard.alert.update and heard.alert.HasField("strip"))  # the rest of a strip, of an alert told before
        and heard.alert.stream_id in orphaned
        and 0 < feed.begun_s + _due_s(heard.alert, score) - killed_s <= SESSION_TIMEOUT_S
    ]
    if not waits_s:
        raise RuntimeError(f"None of the {len(orphaned)} orphaned beds had a lethal alert within {WATCH_S:.0f} s.")
    return Takeover(len(orphaned), len(waits_s), round(min(waits_s), 2), round(max(waits_s), 2))


def _owned(member: Member) -> set[int]:
    """The partitions a member was last given, by its own log."""
    lines = [json.loads(line) for line in member.log.read_text().splitlines() if line.startswith("{")]
    return set([line["partitions"] for line in lines if line.get("event") == "partitions assigned"][-1])


def _due_s(alert: pb.Alert, score: Score) -> float:
    """Seconds after the feed began when the chunk was sent that decided this alert."""
    chunks = alert.decided_sample // round(score.chunk_s * GRID_HZ) + 1
    return score.beds.index(alert.stream_id) * score.chunk_s / len(score.beds) + chunks * score.chunk_s


def main(
    beds: Annotated[int, typer.Option(min=2)] = 50,
    kills: Annotated[int, typer.Option(min=1)] = 3,
    delivery: Annotated[str, typer.Option(help="exactly-once or at-least-once")] = "exactly-once",
    json_file: Annotated[Path | None, typer.Option("--json", help="write the result here")] = None,
) -> None:
    """Print and write how long orphaned beds waited; exit code 1 above the session time-out plus 3 s."""
    with own_broker() as (broker, folder, bars):
        bar = bars.add_task(f"{beds} beds, {delivery}", total=kills)
        found = measure(broker, folder, delivery, beds, kills, lambda _: bars.advance(bar))
    worst_s = max(takeover.worst_s for takeover in found)
    result = {
        "beds": beds,
        "delivery": delivery,
        "session_timeout_s": SESSION_TIMEOUT_S,
        "worst_takeover_s": worst_s,
        "kills": [asdict(takeover) for takeover in found],
    }
    say(result, json_file)
    raise typer.Exit(0 if worst_s <= BUDGET_S else 1)


if __name__ == "__main__":
    typer.run(main)
