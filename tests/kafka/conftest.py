"""A real broker for the tests of this folder, and topics of their own for each test."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from ecgstream.settings import KafkaSettings, TopicSettings

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
def kafka_settings(broker: Broker) -> KafkaSettings:
    """Settings with names that no other test has, and topics of three partitions under them."""
    test = uuid.uuid4().hex[:8]
    names = {name: f"{test}.{field.default}" for name, field in TopicSettings.model_fields.items()}
    settings = KafkaSettings(bootstrap=(broker.bootstrap,), group=test, topics=TopicSettings(**names))
    with ThreadPoolExecutor(1) as pool:  # pytest-asyncio may have a loop running in this thread
        pool.submit(asyncio.run, _create(settings)).result()
    return settings


async def _create(settings: KafkaSettings) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap[0])
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, PARTITIONS, 1) for name in settings.topics.model_dump().values()])
    finally:
        await admin.close()
