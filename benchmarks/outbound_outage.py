"""An alarm manager that is away for a minute: what arrives, in which order, and how long it takes to catch up.

    python benchmarks/outbound_outage.py --away 60 --alerts 20

One process: alerts published over ZeroMQ, the bridge with its queue on disk, a receiver behind MLLP that keeps all.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from ecgstream.wire import ecgstream_pb2 as pb
from tests.outbound.edge import Edge, edge, until
from tests.outbound.hospital import AlarmManagerStandIn, updates

LIFE = (pb.Alert.ACTIVE, pb.Alert.LATCHED, pb.Alert.ENDED)
BEFORE_S = 5.0


async def publish(outside: Edge, seconds: float, per_s: float, told: list[str]) -> None:
    """Alerts of three updates each, evenly; ``told`` grows."""
    for _ in range(round(seconds * per_s / len(LIFE))):
        name = f"a{len(told) // len(LIFE):06}"
        await outside.publish(*updates(name, LIFE))
        told += [f"{name}-{number}" for number in range(len(LIFE))]
        await asyncio.sleep(len(LIFE) / per_s)


def size_mb(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.glob("queue*")) / 2**20


async def measure(away_s: float, per_s: float, folder: Path) -> dict[str, object]:
    manager = AlarmManagerStandIn()
    await manager.start()
    destination = {"kind": "pcd04", "name": "am", "host": "127.0.0.1", "port": manager.port, "watchdog_s": 0}
    told: list[str] = []
    async with edge(folder, destination, retry_s=1.0, longest_retry_s=30.0) as outside:
        await publish(outside, BEFORE_S, per_s, told)
        await manager.stop()
        await publish(outside, away_s, per_s, told)
        await asyncio.sleep(0.5)
        waiting = outside.metric("waiting", destination="am")
        file_mb = size_mb(folder)
        await manager.start()
        back_s = time.monotonic()
        first = len(manager.accepted)
        await until(lambda: len(manager.accepted) > first, 60)
        heard_s = time.monotonic()
        await until(lambda: outside.metric("waiting", destination="am") == 0, 600)
        caught_up_s = time.monotonic()
        accepted = [entry for entry, _ in manager.told()]
        return {
            "published": len(told),
            "waiting_at_return": waiting,
            "queue_mb": round(file_mb, 2),
            "accepted": len(accepted),
            "lost": len(set(told) - set(accepted)),
            "twice": sum(count - 1 for count in Counter(accepted).values()),
            "in_order": list(dict.fromkeys(accepted)) == told,
            "back_to_first_s": round(heard_s - back_s, 1),
            "first_to_caught_up_s": round(caught_up_s - heard_s, 1),
            "messages_per_s": round(waiting / (caught_up_s - heard_s)),
            "dropped": outside.metric("dropped_total", destination="am"),
        }


def main(
    away: Annotated[float, typer.Option(help="How long the receiver is away, s.")] = 60.0,
    alerts: Annotated[float, typer.Option(help="Alert messages a second.")] = 20.0,
) -> None:
    """Print what was measured as JSON."""
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(asyncio.run(measure(away, alerts, Path(folder))), indent=2))


if __name__ == "__main__":
    typer.run(main)
