"""Kafka topics and a consumer group for one run of a benchmark."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from ..errors import BrokerError
from ..kafka.client import client_options
from ..kafka.topics import create, wanted
from ..settings import Settings, TopicSettings, load_settings

Flags = dict[str, Any]


@contextmanager
def fresh_topics(bootstrap: str) -> Iterator[Flags]:
    """Settings, by dotted name, with topics as `ecgstream topics create` makes them and a group, all with new names.

    The topics are removed at the end; Kafka forgets an empty group by itself. Raises BrokerError.
    """
    name = f"bench-{uuid.uuid4().hex[:8]}"
    topics = {f"kafka.topics.{key}": f"{name}.{field.default}" for key, field in TopicSettings.model_fields.items()}
    flags = {"kafka.bootstrap": [bootstrap], "kafka.group": name, **topics}
    settings = load_settings(None, flags)
    asyncio.run(create(settings, None, 1))
    try:
        yield flags
    finally:
        asyncio.run(_remove(settings))


async def _remove(settings: Settings) -> None:
    admin = AIOKafkaAdminClient(**client_options(settings.kafka))
    try:
        await admin.start()
        await admin.delete_topics([topic.name for topic in wanted(settings)])
    except KafkaError as error:
        raise BrokerError(f"The topics {settings.kafka.group}.* are left over ({error}); remove them.") from error
    finally:
        await admin.close()
