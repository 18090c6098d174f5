"""How fast a daemon on Kafka makes up for time lost: minutes of backlog, written as fast as beds send, then read.

Everything is on, rules, encoder and heads; a broker of our own, the daemon and the listener run on this machine. Stated
for each number of beds: seconds of signal per second, and how long after the start each lethal alert was heard.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from aiokafka import AIOKafkaConsumer
from own_broker import own_broker, say
from rich.progress import Progress

from ecgstream.bench.topics import Flags, fresh_topics
from ecgstream.bench.ward import READY_S, members
from ecgstream.demo.processes import DaemonProcess, start_simulator
from ecgstream.kafka.client import client_options
from ecgstream.settings import load_settings
from ecgstream.wire import ecgstream_pb2 as pb
from ecgstream.wire.codec import decode

LEAST_X = 20.0
"""At least so much faster than real time, with 50 beds."""
LONGEST_S = 900.0


@dataclass(frozen=True)
class CatchUp:
    """One backlog, read to its end."""

    beds: int
    backlog_s: float
    took_s: float  # from the first result heard to the last
    x: float  # seconds of each bed's signal per second
    lethal_alerts: int
    latest_late_s: float  # the most that an alert itself says it is late
    rss_mb: float


def catch_up(bootstrap: str, beds: int, backlog_s: int, folder: Path, bars: Progress) -> CatchUp:
    """Write the backlog, start a daemon, and hear it out."""
    with fresh_topics(bootstrap) as flags:
        bar = bars.add_task(f"{beds} beds: writing {backlog_s} s", total=None)
        _write(bootstrap, flags, beds, backlog_s, folder)
        with members(flags, 1, beds, folder) as (daemon,):
            daemon.wait_ready(READY_S)
            bars.update(bar, description=f"{beds} beds: catching up", total=beds * (backlog_s - 1))
            return asyncio.run(_listen(flags, daemon, beds, backlog_s, lambda n: bars.update(bar, completed=n)))


def _write(bootstrap: str, flags: Flags, beds: int, backlog_s: int, folder: Path) -> None:
    url = f"kafka://{bootstrap}/{flags['kafka.topics.chunks']}"
    load = start_simulator(
        "load", "--beds", str(beds), "--seconds", str(backlog_s), "--to", url, log=folder / "load.log"
    )
    if load.wait(LONGEST_S):
        raise SystemExit((folder / "load.log").read_text()[-2000:])


async def _listen(flags: Flags, daemon: DaemonProcess, beds: int, backlog_s: int, tell: Any) -> CatchUp:
    kafka = load_settings(None, flags).kafka
    topics = kafka.topics.diagnoses, kafka.topics.alerts
    diagnoses, lethal, late_s, first_s = 0, set(), 0.0, None
    async with AIOKafkaConsumer(*topics, **client_options(kafka), auto_offset_reset="earliest") as consumer:
        deadline_s = time.monotonic() + LONGEST_S
        # The last second may lack the samples its last hop waits for.
        while diagnoses < beds * (backlog_s - 1) and time.monotonic() < deadline_s:
            for batch in (await consumer.getmany(timeout_ms=100)).values():
                first_s = first_s or time.monotonic()
                for message in batch:
                    told = decode(message.value, dict(message.headers)["content-type"].decode())
                    if isinstance(told, pb.Diagnosis):
                        diagnoses += 1
                    elif told.lethal:
                        lethal.add(told.alert_id)
                        late_s = max(late_s, told.late_s)
            tell(diagnoses)
    took_s = time.monotonic() - (first_s or 0.0)
    rss = next(line for line in daemon.metrics().splitlines() if line.startswith("process_resident_memory_bytes"))
    return CatchUp(
        beds, backlog_s, round(took_s, 2), round(diagnoses / beds / took_s, 1), len(lethal), round(late_s, 1),
        round(float(rss.split()[1]) / 1e6),
    )  # fmt: skip


def main(
    beds: Annotated[list[int] | None, typer.Option(help="Beds; may be given several times.")] = None,
    backlog_s: Annotated[int, typer.Option(min=30, help="Seconds of signal written before the daemon starts.")] = 300,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures here.")] = None,
) -> None:
    """Say how many times faster than real time a backlog is made up for; exit code 1 below 20 with 50 beds."""
    runs = []
    with own_broker() as (broker, place, bars):
        for count in beds or [50, 100, 200]:
            (folder := place / str(count)).mkdir()
            runs.append(asdict(catch_up(broker.bootstrap, count, backlog_s, folder, bars)))
    say({"kafka": broker.kind, "runs": runs}, json_file)
    if any(run["x"] < LEAST_X for run in runs if run["beds"] <= 50):
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
