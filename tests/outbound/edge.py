"""A bridge between a daemon's PUB socket and stand-ins of the hospital, for the tests of this room."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import zmq
import zmq.asyncio

from ecgstream.clock import Clock
from ecgstream.outbound.bridge import Bridge
from ecgstream.settings import Hl7Settings, OutboundSettings, Settings, SinkSettings
from ecgstream.wire import ecgstream_pb2 as pb
from ecgstream.wire.codec import encode

from .hospital import AlarmManagerStandIn


@dataclass
class Edge:
    """A bridge between a daemon's PUB socket and the hospital."""

    bridge: Bridge
    pub: zmq.asyncio.Socket
    task: asyncio.Task

    async def publish(self, *alerts: pb.Alert) -> None:
        for one in alerts:
            content_type, payload = encode(one)
            await self.pub.send_multipart([content_type.encode(), one.stream_id.encode(), payload])

    def metric(self, name: str, **labels: str) -> float:
        return self.bridge.metrics.registry.get_sample_value(f"ecgstream_outbound_{name}", labels) or 0.0


async def until(holds: Callable[[], bool], timeout_s: float = 15.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not holds():  # noqa: ASYNC110  what is awaited lies in other tasks and in metrics
            await asyncio.sleep(0.02)


def settings(
    folder: Path, endpoint: str, *destinations: dict, hl7: Hl7Settings | None = None, **outbound: object
) -> Settings:
    section = {"queue": folder / "queue.sqlite3", "http_port": 0, "retry_s": 0.05, "longest_retry_s": 0.2} | outbound
    return Settings(
        sink=SinkSettings(endpoint=endpoint),
        outbound=OutboundSettings(destinations=destinations, **section),
        hl7=hl7 or Hl7Settings(),
    )


@asynccontextmanager
async def edge(
    folder: Path, *destinations: dict, clock: Clock | None = None, **outbound: object
) -> AsyncIterator[Edge]:
    with zmq.asyncio.Context() as context, context.socket(zmq.XPUB) as pub:
        pub.linger = 0
        pub.bind("tcp://127.0.0.1:*")
        told = settings(folder, pub.last_endpoint.decode(), *destinations, **outbound)
        bridge = Bridge(told, clock=clock)
        task = asyncio.create_task(bridge.run())
        await asyncio.wait_for(pub.recv(), 10)  # the subscription has arrived
        try:
            yield Edge(bridge, pub, task)
        finally:
            bridge.stopping.set()
            with suppress(asyncio.CancelledError):
                await asyncio.wait_for(task, 10)


def to(manager: AlarmManagerStandIn, **fields: object) -> dict:
    return {"kind": "pcd04", "name": "am", "host": "127.0.0.1", "port": manager.port, "watchdog_s": 0, **fields}
