"""The broker the other tests stand on: it keeps what it acknowledged when it is stopped and when it is killed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from ecgstream.settings import KafkaSettings

from . import brokers
from .brokers import Broker, Kind


@pytest.fixture
def own_broker(broker_kind: Kind, tmp_path):
    if not broker_kind.apache:
        pytest.skip(
            f"only Apache Kafka of our own is killed: {broker_kind.name} is not ours, or loses what it confirmed"
        )
    with Broker(broker_kind, tmp_path) as running:
        yield running


def test_brokers_are_looked_for_in_the_promised_order(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    beside, maven, programs = tmp_path / "beside", tmp_path / "maven", tmp_path / "bin"
    for folder in (beside, maven, programs):
        folder.mkdir()
    for program in ("java", "noida-db"):
        (programs / program).touch(0o755)
    monkeypatch.setattr(brokers, "JAR_FOLDERS", {"beside": beside, "from Maven": maven})
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.delenv("JAVA", raising=False)
    monkeypatch.delenv("ECGSTREAM_TEST_KAFKA", raising=False)

    found = [brokers.find_kind().name]
    (maven / "kafka_2.13-4.1.1.jar").touch()
    found.append(brokers.find_kind().name)
    monkeypatch.setenv("ECGSTREAM_TEST_KAFKA", "kafka.example:9092")
    found.append(brokers.find_kind().name)
    (beside / "kafka_2.13-4.1.1.jar").touch()
    found.append(brokers.find_kind().name)
    assert found == ["noida-db from PyPI", "from Maven", "the broker at kafka.example:9092", "beside"]

    (programs / "java").unlink()
    monkeypatch.delenv("ECGSTREAM_TEST_KAFKA")
    (programs / "noida-db").unlink()
    assert brokers.find_kind() is None


def test_messages_survive_kill_and_stop(own_broker: Broker):
    settings = KafkaSettings(bootstrap=(own_broker.bootstrap,))
    asyncio.run(_send(settings, b"before the kill"))
    own_broker.kill()
    asyncio.run(asyncio.to_thread(own_broker.start))  # by a thread that is gone afterwards: the broker must not be
    asyncio.run(_send(settings, b"before the stop"))
    own_broker.stop()
    own_broker.start()
    assert asyncio.run(_read(settings, 2)) == [b"before the kill", b"before the stop"]


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
