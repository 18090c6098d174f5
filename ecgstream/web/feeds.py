"""Where ``ecgstream web`` hears of the ward: topics in Kafka, or what a daemon publishes by ZeroMQ.

Nothing is committed and no group is joined: every page reads everything, and none takes a bed from a daemon.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Protocol

import structlog
import zmq
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from ..errors import BrokerError
from ..kafka.client import client_options, why_unreachable
from ..kafka.closing import GRACE_S, stop_consumer
from ..kafka.headers import content_type_of
from ..settings import KafkaSettings, Settings
from ..sources.message import Message
from ..wire.sockets import Readiness, close_socket, open_socket
from .patients_before import PatientsBefore, associates
from .vitals_before import vitals_before

MOST = 2_000
"""Messages handed over at once."""
HIGH_WATER_MARK = 20_000
ALERTS_BACK_S = 24 * 3600.0
"""How far back alerts are read at start: what still stands is among them."""
RETRY_S = 1.0

log = structlog.get_logger()


class Feed(Protocol):
    """Hands over messages as they come."""

    async def start(self) -> None:
        """Begin to listen. Raises SettingsError, BrokerError."""
        ...

    async def receive(self) -> list[Message]:
        """At least one, as soon as it is there."""
        ...

    async def close(self) -> None:
        """Let go."""
        ...


def feeds_of(settings: Settings) -> list[Feed]:
    """Where the daemons publish, by ``sink.kind``; chunks from Kafka where ``source.kind`` says so."""
    topics = settings.kafka.topics
    wanted = [topics.alerts, topics.vitals, topics.diagnoses, topics.verdicts] if settings.sink.kind == "kafka" else []
    if settings.source.kind == "kafka":
        wanted += [topics.chunks, topics.control]
    kafka: list[Feed] = [KafkaFeed(settings.kafka, wanted)] if wanted else []
    return kafka if settings.sink.kind == "kafka" else [*kafka, ZeroMqFeed(settings)]


class ZeroMqFeed:
    """The daemon's PUB socket; chunks come by it where the daemon has ``sink.chunks``."""

    def __init__(self, settings: Settings):
        self._sink, self._curve = settings.sink, settings.web.curve
        self._socket: zmq.Socket | None = None

    async def start(self) -> None:
        """Connect, or bind where the sink connects. Raises SettingsError."""
        options = {"high_water_mark": HIGH_WATER_MARK, "curve": self._curve, "section": "web"}
        self._socket, _ = open_socket(zmq.SUB, [self._sink.endpoint], bind=not self._sink.bind, **options)
        self._readiness = Readiness(self._socket)
        self._socket.subscribe(b"")

    async def receive(self) -> list[Message]:
        """As the protocol says."""
        while not (messages := self._drain()):
            await self._readiness.wait()
        return messages

    def _drain(self) -> list[Message]:
        messages: list[Message] = []
        try:
            while len(messages) < MOST:
                content_type, *_, payload = self._socket.recv_multipart(zmq.NOBLOCK)
                messages.append(Message(payload, content_type.decode("latin-1"), time.time_ns()))
        except zmq.Again:
            pass
        return messages

    async def close(self) -> None:
        """Stop listening."""
        if self._socket is not None:
            await close_socket(self._socket, linger_s=0)
            self._socket = None


class KafkaFeed:
    """Topics from now on; alerts from a day ago."""

    def __init__(self, settings: KafkaSettings, topics: list[str]):
        self._settings, self._topics = settings, topics
        self._consumer: AIOKafkaConsumer | None = None
        self._patients = PatientsBefore()
        self._since_ms: dict[bytes, int] = {}  # of a bed's key: when its patient came, where that is known

    async def start(self) -> None:
        """Wait until the broker lets us in, and go back to where alerts may still stand. SettingsError, BrokerError."""
        if sentence := await why_unreachable(self._settings):
            raise BrokerError(sentence)
        options = client_options(self._settings) | {"isolation_level": "read_committed", "auto_offset_reset": "latest"}
        self._consumer = AIOKafkaConsumer(*self._topics, group_id=None, **options)
        try:
            await self._consumer.start()
            await self._go_back()
        except KafkaError as error:
            raise BrokerError(f"The topics {', '.join(self._topics)} cannot be read ({error}).") from error

    async def _go_back(self) -> None:
        since_ms = round(1000 * (time.time() - ALERTS_BACK_S))
        topics = self._settings.topics
        alerts = [place for place in self._consumer.assignment() if place.topic == topics.alerts]
        if not alerts:
            return
        try:
            async with asyncio.timeout(self._settings.request_timeout_s):
                await self._patients.read(self._consumer, topics.control, topics.alerts, since_ms)
        except TimeoutError:
            log.warning("the last day's orders could not all be read: alarms of beds' last patients may be shown")
        found = await self._consumer.offsets_for_times(dict.fromkeys(alerts, since_ms))
        for place, at in found.items():
            if at is not None:
                self._consumer.seek(place, at.offset)

    async def receive(self) -> list[Message]:
        """As the protocol says; survives any absence of the broker."""
        topics = self._settings.topics
        while True:
            try:
                batches = await self._consumer.getmany(timeout_ms=200, max_records=MOST)
            except KafkaError as error:
                log.warning("topics cannot be read; trying again", text=str(error), retry_s=RETRY_S)
                await asyncio.sleep(RETRY_S)
                continue
            now_ns = time.time_ns()
            read = list(self._patients.among(m for batch in batches.values() for m in batch))
            read += await self._patients.rest(self._consumer)
            self._since_ms |= {m.key: m.timestamp for m in read if m.topic == topics.control and associates(m)}
            if read:
                return [Message(m.value or b"", content_type_of(m.headers), now_ns) for m in read]

    async def past(self) -> AsyncIterator[list[Message]]:
        """Vitals of the last day, those of each bed's patient alone, the latest first. Raises BrokerError."""
        if self._settings.topics.vitals not in self._topics:
            return
        try:
            async for records in vitals_before(self._settings):
                theirs = (m for m in records if m.timestamp >= self._since_ms.get(m.key, 0))
                yield [Message(m.value or b"", content_type_of(m.headers), m.timestamp * 10**6) for m in theirs]
        except KafkaError as error:
            raise BrokerError(f"The topic {self._settings.topics.vitals} cannot be read ({error}).") from error

    async def close(self) -> None:
        """Stop reading."""
        if self._consumer is not None:
            consumer, self._consumer = self._consumer, None
            await stop_consumer(consumer, GRACE_S)
