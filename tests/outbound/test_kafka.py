"""Alerts from the daemon's topic on a real broker: none is passed over, whoever was down meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiokafka import AIOKafkaProducer

from ecgstream.outbound.bridge import Bridge
from ecgstream.settings import KafkaSettings, OutboundSettings, Settings, SinkSettings
from ecgstream.wire import ecgstream_pb2 as pb
from ecgstream.wire.codec import encode

from .edge import until
from .hospital import AlarmManagerStandIn, updates

LIFE = (pb.Alert.ACTIVE, pb.Alert.ENDED)


@asynccontextmanager
async def bridge(settings: Settings) -> AsyncIterator[Bridge]:
    running = Bridge(settings)
    task = asyncio.create_task(running.run())
    try:
        yield running
    finally:
        running.stopping.set()
        await asyncio.wait_for(task, 20)


async def test_alerts_told_while_the_bridge_was_down_are_sent(tmp_path: Path, kafka_settings: KafkaSettings):
    manager = AlarmManagerStandIn()
    await manager.start()
    outbound = OutboundSettings(
        destinations=[{"kind": "pcd04", "name": "am", "host": "127.0.0.1", "port": manager.port, "watchdog_s": 0}],
        queue=tmp_path / "queue.sqlite3",
        http_port=0,
    )
    settings = Settings(kafka=kafka_settings, sink=SinkSettings(kind="kafka"), outbound=outbound)
    topic = kafka_settings.topics.alerts
    async with AIOKafkaProducer(bootstrap_servers=list(kafka_settings.bootstrap)) as producer:

        async def publish(*alerts: pb.Alert) -> None:
            for one in alerts:
                content_type, payload = encode(one)
                headers = [("content-type", content_type.encode())]
                await producer.send_and_wait(topic, payload, one.stream_id.encode(), headers=headers)

        def told() -> list[str]:  # stopped between an answer and noting it down, a bridge sends that one again
            return list(dict.fromkeys(entry for entry, _ in manager.told()))

        await publish(*updates("before", LIFE))  # a new bridge begins at the end of the topic
        async with bridge(settings) as running:
            await until(lambda: bool(running.alerts._consumer and running.alerts._consumer.assignment()), 30)
            await until(lambda: running.health.not_ready() == [], 30)
            await publish(*updates("a", LIFE))
            await producer.send_and_wait(topic, b"no alert", b"bed")
            await until(lambda: told() == ["a-0", "a-1"], 30)
            await until(lambda: running.metrics.registry.get_sample_value("ecgstream_outbound_unreadable_total") == 1)
        await publish(*updates("b", LIFE))
        async with bridge(settings) as running:
            await until(lambda: len(told()) == 4, 30)
        assert running.health.not_ready() == ["stopping"]
    await manager.stop()
    assert told() == ["a-0", "a-1", "b-0", "b-1"]
