"""The broker the other tests stand on: it keeps what it acknowledged when it is stopped and when it is killed."""

from __future__ import annotations

import asyncio

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from ecgstream.settings import KafkaSettings

from .brokers import Broker, Kind


@pytest.fixture
def own_broker(broker_kind: Kind, tmp_path):
    if broker_kind.command is None:
        pytest.skip("a broker named in ECGSTREAM_TEST_KAFKA is not stopped by tests")
    with Broker(broker_kind, tmp_path) as running:
        yield running


async def test_messages_survive_kill_and_stop(own_broker: Broker):
    settings = KafkaSettings(bootstrap=(own_broker.bootstrap,))
    await _send(settings, b"before the kill")
    await asyncio.to_thread(own_broker.kill)
    await asyncio.to_thread(own_broker.start)
    await _send(settings, b"before the stop")
    await asyncio.to_thread(own_broker.stop)
    await asyncio.to_thread(own_broker.start)
    assert await _read(settings, 2) == [b"before the kill", b"before the stop"]


async def test_every_test_has_empty_topics_of_its_own(kafka_settings: KafkaSettings):
    await _send(kafka_settings, b"first")
    assert await _read(kafka_settings, 1) == [b"first"]


async def _send(settings: KafkaSettings, value: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=settings.bootstrap[0], acks="all") as producer:
        await producer.send_and_wait(settings.topics.chunks, value, partition=0)


async def _read(settings: KafkaSettings, count: int) -> list[bytes]:
    options = {"bootstrap_servers": settings.bootstrap[0], "auto_offset_reset": "earliest"}
    async with AIOKafkaConsumer(settings.topics.chunks, **options) as consumer:
        async with asyncio.timeout(20):
            return [(await consumer.getone()).value for _ in range(count)]
