"""A listener on a real socket, what it handed on, and a sender."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest

from ecgstream.errors import DeliveryError
from ecgstream.hl7.chunks import CONTENT_TYPE
from ecgstream.hl7.door import Door
from ecgstream.hl7.framing import END, framed
from ecgstream.hl7.listener import Listener
from ecgstream.hl7.metrics import Hl7Metrics
from ecgstream.settings import Hl7Settings
from ecgstream.wire import ecgstream_pb2 as pb
from ecgstream.wire.codec import decode_chunk


@dataclass
class Taken:
    """Keeps what is handed on; ``away`` refuses it as a broker that cannot be reached, ``held`` does not confirm."""

    chunks: list = field(default_factory=list)
    orders: list[pb.Control] = field(default_factory=list)
    away: bool = False
    held: asyncio.Event | None = None

    async def chunk(self, stream_id: str, payload: bytes) -> None:
        if self.away:
            raise DeliveryError("Kafka has not confirmed.")
        self.chunks.append(decode_chunk(payload, CONTENT_TYPE))
        assert self.chunks[-1].stream_id == stream_id
        if self.held:
            await self.held.wait()

    async def order(self, control: pb.Control) -> None:
        if self.away:
            raise DeliveryError("Kafka has not confirmed.")
        self.orders.append(control)


@dataclass
class Edge:
    listener: Listener
    door: Door
    taken: Taken
    registry: CollectorRegistry

    @asynccontextmanager
    async def sender(self, context: ssl.SSLContext | None = None) -> AsyncIterator[Sender]:
        reader, writer = await asyncio.open_connection("localhost", self.listener.port, ssl=context)
        try:
            yield Sender(reader, writer)
        finally:
            writer.close()

    def metrics(self) -> str:
        return generate_latest(self.registry).decode()

    def metric(self, name: str) -> float:
        return next((float(line.rsplit(" ", 1)[1]) for line in self.metrics().splitlines() if line.startswith(name)), 0)


@dataclass
class Sender:
    """Sends blocks and reads answers."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def asks(self, message: bytes) -> list[list[str]]:
        """The answer's segments, split into fields."""
        self.writer.write(framed(message))
        return await self.answer()

    async def answer(self) -> list[list[str]]:
        async with asyncio.timeout(10):
            block = await self.reader.readuntil(END)
        assert block[:1] == b"\x0b"
        return [segment.split("|") for segment in block[1:-2].decode().split("\r") if segment]


def key_file(folder: Path) -> Path:
    path = folder / "hl7.key"
    path.write_text("a secret that is made up for this very test")
    return path


@asynccontextmanager
async def edge(folder: Path, **told: Any) -> AsyncIterator[Edge]:
    settings = Hl7Settings(
        host="localhost", port=0, key_file=key_file(folder), patients_file=folder / "patients.bin", **told
    )
    registry, taken = CollectorRegistry(), Taken()
    metrics = Hl7Metrics(registry)
    door = Door(settings, taken, metrics)
    listener = Listener(settings, door, metrics)
    door.start()
    await listener.start()
    try:
        yield Edge(listener, door, taken, registry)
    finally:
        await listener.close()
