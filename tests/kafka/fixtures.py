"""A real broker for the tests of this folder, and topics of their own for each test."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from ecgstream.kafka.topics import create
from ecgstream.settings import KafkaSettings, Settings, TopicSettings

from .brokers import NOT_HERE, Broker, Kind, find_kind

PARTITIONS = 3


def pytest_report_collectionfinish() -> str:
    kind = find_kind()
    return f"kafka: {kind.name if kind else NOT_HERE}"


@pytest.fixture(scope="session")
def broker_kind() -> Kind:
    return find_kind() or pytest.skip(NOT_HERE)


@pytest.fixture(scope="session")
def broker(broker_kind: Kind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """One broker for all tests. A test that stops or kills it starts it again."""
    with Broker(broker_kind, tmp_path_factory.mktemp("broker")) as running:
        yield running


@pytest.fixture
def fresh_settings(broker: Broker) -> KafkaSettings:
    """Settings whose group and topic names no other test has; the topics do not exist yet."""
    test = uuid.uuid4().hex[:8]
    names = {name: f"{test}.{field.default}" for name, field in TopicSettings.model_fields.items()}
    return KafkaSettings(bootstrap=(broker.bootstrap,), group=test, topics=TopicSettings(**names))


@pytest.fixture
def kafka_settings(fresh_settings: KafkaSettings) -> KafkaSettings:
    """Settings with topics of their own, three partitions each."""
    with ThreadPoolExecutor(1) as pool:  # pytest-asyncio may have a loop running in this thread
        pool.submit(asyncio.run, create(Settings(kafka=fresh_settings), PARTITIONS, 1)).result()
    return fresh_settings
