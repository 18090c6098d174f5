"""The alerts as the daemon publishes them: from its Kafka topic, or from its ZeroMQ sink.

Kafka: read as a group of our own; what has been taken into the queue is committed, so nothing is lost whoever was down.
ZeroMQ keeps nothing: what is published while nobody listens is gone.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

import structlog
import zmq
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from ..errors import BrokerError, WireError
from ..kafka.client import client_options, why_unreachable
from ..kafka.headers import content_type_of
from ..kafka.sight import BrokerSight
from ..settings import KafkaSettings, Settings
from ..wire import ecgstream_pb2 as pb
from ..wire.codec import decode
from ..wire.sockets import Readiness, close_socket, open_socket
from .metrics import OutboundMetrics

MOST = 500
"""Alerts handed over at once."""
HIGH_WATER_MARK = 100_000

log = structlog.get_logger()


class Alerts(Protocol):
    """Where alerts come from."""

    async def start(self) -> None:
        """Begin to listen. Raises SettingsError or BrokerError."""
        ...

    async def receive(self) -> list[pb.Alert]:
        """Those that have come, as soon as there is one, in order."""
        ...

    async def confirm(self) -> None:
        """All that was received is on the disk."""
        ...

    def faults(self) -> list[str]:
        """Why nothing could come now."""
        ...

    async def close(self) -> None:
        """Let go."""
        ...


def alerts_of(settings: Settings, metrics: OutboundMetrics) -> Alerts:
    """Where ``sink.kind`` says that the daemon publishes."""
    return KafkaAlerts(settings.kafka, metrics) if settings.sink.kind == "kafka" else ZeroMqAlerts(settings, metrics)


class KafkaAlerts:
    """The topic of alerts. The group is the daemons' with ``-outbound`` behind it; it begins at the topic's end."""

    def __init__(self, settings: KafkaSettings, metrics: OutboundMetrics):
        self._settings, self._metrics = settings, metrics
        self._consumer: AIOKafkaConsumer | None = None
        self._sight = BrokerSight(settings)
        self._looking: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Join the group; waits until the broker lets us in. Raises SettingsError, BrokerError."""
        if sentence := await why_unreachable(self._settings):
            raise BrokerError(sentence)
        try:
            await self._begin_group()
            self._consumer = self._member(self._settings.topics.alerts)
            await self._consumer.start()
            self._looking = asyncio.create_task(self._sight.look())
        except KafkaError as error:
            where, topic = ", ".join(self._settings.bootstrap), self._settings.topics.alerts
            sentence = f"Kafka at {where} does not let us read {topic} ({error}); see to it and start the bridge again."
            raise BrokerError(sentence) from error

    def _member(self, *topics: str) -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            *topics,
            group_id=f"{self._settings.group}-outbound",
            isolation_level="read_committed",
            auto_offset_reset="earliest",  # whoever has fallen behind what the topic keeps
            enable_auto_commit=False,
            **client_options(self._settings),
        )

    async def _begin_group(self) -> None:
        """Where nothing was ever committed, write the end down, before anything is read: what comes from now on is not
        passed over, and nothing older is sent."""
        async with AIOKafkaProducer(**client_options(self._settings)) as asking, self._member() as consumer:
            topic = self._settings.topics.alerts
            places = [TopicPartition(topic, number) for number in await asking.partitions_for(topic)]
            consumer.assign(places)
            ends = await consumer.end_offsets(places)
            if new := {place: ends[place] for place in places if await consumer.committed(place) is None}:
                await consumer.commit(new)

    async def receive(self) -> list[pb.Alert]:
        """As the protocol says; survives any absence of the broker."""
        while True:
            batches = await self._consumer.getmany(timeout_ms=500, max_records=MOST)
            messages = [message for batch in batches.values() for message in batch]
            read = (_alert(m.value, content_type_of(m.headers), self._metrics) for m in messages)
            if alerts := [alert for alert in read if alert]:
                return alerts
            if messages:
                await self.confirm()

    async def confirm(self) -> None:
        """Commit. Where that fails, what was read is read again, and known."""
        try:
            async with asyncio.timeout(self._settings.request_timeout_s):
                await self._consumer.commit()
        except (KafkaError, TimeoutError) as error:
            log.warning("offsets not committed", text=str(error) or type(error).__name__)

    def faults(self) -> list[str]:
        """As the protocol says."""
        return [self._sight.fault] if self._sight.fault else []

    async def close(self) -> None:
        """Leave the group."""
        if self._looking:
            self._looking.cancel()
        if self._consumer:
            await self._consumer.stop()


class ZeroMqAlerts:
    """The daemon's PUB socket."""

    def __init__(self, settings: Settings, metrics: OutboundMetrics):
        self._sink, self._curve, self._metrics = settings.sink, settings.outbound.curve, metrics
        self._socket: zmq.Socket | None = None

    async def start(self) -> None:
        """Connect, or bind where the sink connects. Raises SettingsError."""
        self._socket, _ = open_socket(
            zmq.SUB,
            [self._sink.endpoint],
            bind=not self._sink.bind,
            high_water_mark=HIGH_WATER_MARK,
            curve=self._curve,
            section="outbound",
        )
        self._readiness = Readiness(self._socket)
        self._socket.subscribe(b"application/vnd.ecgstream.alert.")

    async def receive(self) -> list[pb.Alert]:
        """As the protocol says."""
        while not (alerts := self._drain()):
            await self._readiness.wait()
        return alerts

    def _drain(self) -> list[pb.Alert]:
        alerts = []
        try:
            while len(alerts) < MOST:
                content_type, *_, payload = self._socket.recv_multipart(zmq.NOBLOCK)
                if alert := _alert(payload, content_type.decode("latin-1"), self._metrics):
                    alerts.append(alert)
        except zmq.Again:
            pass
        return alerts

    async def confirm(self) -> None:
        """Nobody to tell."""

    def faults(self) -> list[str]:
        """None: a subscriber is not told whether anybody publishes."""
        return []

    async def close(self) -> None:
        """Stop listening."""
        if self._socket is not None:
            await close_socket(self._socket, linger_s=0)
            self._socket = None


def _alert(payload: bytes | None, content_type: str, metrics: OutboundMetrics) -> pb.Alert | None:
    """None, counted and told, where it is none."""
    try:
        message = decode(payload or b"", content_type)
    except WireError as error:
        metrics.unreadable.inc()
        log.warning("not an alert", reason=error.reason)
        return None
    if not isinstance(message, pb.Alert):
        metrics.unreadable.inc()
        return None
    metrics.received.inc()
    return message
