"""A broker that is gone for minutes: the daemon stays live and says that it is not ready, then makes up for all of it.

A broker of our own is killed and started again while a few beds send; what they send meanwhile waits at the simulator,
as in a gateway. Broker, daemon, simulator and listener run on this machine.
"""

from __future__ import annotations

import asyncio
import time
import urllib.error
import urllib.request
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated

import typer
from aiokafka import AIOKafkaConsumer
from own_broker import own_broker, say
from rich.progress import Progress

from ecgstream.bench.results import samples
from ecgstream.bench.topics import Flags, fresh_topics
from ecgstream.bench.ward import READY_S, members
from ecgstream.demo.processes import DaemonProcess, start_simulator
from ecgstream.kafka.client import client_options
from ecgstream.settings import load_settings
from ecgstream.wire import ecgstream_pb2 as pb
from ecgstream.wire.codec import decode
from tests.kafka.brokers import Broker

BEFORE_S, AFTER_S = 30, 60
LOOK_S = 1.0
NEAR_S = 2.0
"""Behind the log by less than this, the backlog is made up for."""


@dataclass
class Outage:
    """What was seen of one."""

    beds: int
    gone_s: float
    live: bool = True  # at every look
    ready_while_gone: int = 0  # looks at which the daemon said that it was ready, the first 10 s of absence aside
    said_unavailable_s: float = 0.0  # from the kill to ecgstream_broker_available 0
    ready_again_s: float = 0.0  # from the broker's answer on
    caught_up_s: float = 0.0
    gaps: int = 0  # chunks lost
    diagnoses: int = 0
    alerts: dict[str, int] = field(default_factory=dict)
    latest_late_s: float = 0.0
    repeated: int = 0  # (id, update) told more than once
    differing: int = 0  # with other contents


def outage(broker: Broker, beds: int, gone_s: int, folder: Path, bars: Progress) -> Outage:
    """Run it."""
    with fresh_topics(broker.bootstrap) as flags, members(flags, 1, beds, folder) as (daemon,):
        url, found = f"kafka://{broker.bootstrap}/{flags['kafka.topics.chunks']}", Outage(beds, gone_s)
        total_s = BEFORE_S + gone_s + AFTER_S
        bar = bars.add_task(f"{beds} beds, {gone_s} s without a broker", total=total_s)
        load = start_simulator(
            "load", "--beds", str(beds), "--seconds", str(total_s), "--to", url, log=folder / "load.log"
        )
        try:
            _watch(daemon, BEFORE_S, found, lambda s: bars.update(bar, completed=s))
            broker.kill()
            _while_gone(daemon, gone_s, found, lambda s: bars.update(bar, completed=BEFORE_S + s))
            broker.start()
            _back(daemon, found)
            load.wait(total_s)
            time.sleep(5)
            found.gaps = round(_value(daemon, "ecgstream_intake_total", "gap"))
        finally:
            load.kill()
        asyncio.run(_read_all(flags, found))
        return found


def _watch(daemon: DaemonProcess, seconds: float, found: Outage, tell) -> None:
    daemon.wait_ready(READY_S)
    for second in range(int(seconds)):
        time.sleep(LOOK_S)
        found.live &= _says(daemon, "live")
        tell(second)


def _while_gone(daemon: DaemonProcess, gone_s: int, found: Outage, tell) -> None:
    start_s = time.monotonic()
    while (passed_s := time.monotonic() - start_s) < gone_s:
        time.sleep(LOOK_S)
        found.live &= _says(daemon, "live")
        if passed_s > 10:
            found.ready_while_gone += _says(daemon, "ready")
        if not found.said_unavailable_s and not _value(daemon, "ecgstream_broker_available"):
            found.said_unavailable_s = round(time.monotonic() - start_s, 1)
        tell(passed_s)


def _back(daemon: DaemonProcess, found: Outage) -> None:
    """Until nothing is behind any more."""
    start_s, sent = time.monotonic(), found.beds * (BEFORE_S + found.gone_s)
    while not found.caught_up_s and time.monotonic() - start_s < 600:
        time.sleep(0.1)
        found.live &= _says(daemon, "live")
        passed_s = round(time.monotonic() - start_s, 1)
        if not found.ready_again_s and _says(daemon, "ready"):
            found.ready_again_s = passed_s
        taken = _value(daemon, "ecgstream_messages_total", "accepted")
        if found.ready_again_s and taken >= sent and _value(daemon, "ecgstream_behind_seconds") < NEAR_S:
            found.caught_up_s = passed_s


async def _read_all(flags: Flags, found: Outage) -> None:
    kafka = load_settings(None, flags).kafka
    told: dict[tuple[str, int], bytes] = {}
    async with AIOKafkaConsumer(
        kafka.topics.diagnoses, kafka.topics.alerts, **client_options(kafka), auto_offset_reset="earliest"
    ) as consumer:
        while batches := await consumer.getmany(timeout_ms=3_000):
            for message in (message for batch in batches.values() for message in batch):
                one = decode(message.value, dict(message.headers)["content-type"].decode())
                if isinstance(one, pb.Diagnosis):
                    found.diagnoses += 1
                elif not one.escalation:
                    found.alerts[one.condition] = found.alerts.get(one.condition, 0) + (one.update == 0)
                    found.latest_late_s = round(max(found.latest_late_s, one.late_s), 1)
                    key, same = (one.alert_id, one.update), told.get((one.alert_id, one.update))
                    one.late_s = one.published_time_ns = one.onset_time_ns = 0
                    told[key] = one.SerializeToString(deterministic=True)
                    found.repeated += same is not None
                    found.differing += same is not None and same != told[key]


def _says(daemon: DaemonProcess, what: str) -> bool:
    try:
        with urllib.request.urlopen(f"{daemon.http}/health/{what}", timeout=2) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


def _value(daemon: DaemonProcess, name: str, label: str = "") -> float:
    return samples(daemon.metrics()).get((name, label), 0.0)


def main(
    beds: Annotated[int, typer.Option(help="Few: the simulator keeps 2,000 messages at most.")] = 6,
    gone_s: Annotated[int, typer.Option(min=20, help="How long the broker is gone.")] = 300,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write what was seen here.")] = None,
) -> None:
    """Say what a daemon did without a broker, and after; exit code 1 unless it lived, said so, and lost nothing."""
    with own_broker(restarts=True) as (broker, place, bars):
        found = outage(broker, beds, gone_s, place, bars)
    say({"kafka": broker.kind, **asdict(found)}, json_file)
    fine = found.live and found.said_unavailable_s and found.caught_up_s
    raise typer.Exit(0 if fine and not (found.ready_while_gone or found.gaps or found.differing) else 1)


if __name__ == "__main__":
    typer.run(main)
