"""The Kafka topics: what each must be like, making them, and saying what is wrong with those there are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaConnectionError, KafkaError, TopicAlreadyExistsError, for_code

from ..errors import BrokerError
from ..settings import Settings
from .client import client_options, why_unreachable
from .producer import RECORD_BYTES

DEFAULT_PARTITIONS = 12
HOUR_MS = 3_600_000
AROUND_MESSAGE_BYTES = 40_000
"""Room for key, headers and the batch around a message of ``largest_message_bytes``."""
COMPACT = {
    # A closed segment at most a minute behind, and any duplicate in it is reason enough to compact: a new owner reads
    # the whole partition before it speaks.
    "cleanup.policy": "compact",
    "segment.ms": "30000",
    "segment.bytes": str(16 * 2**20),
    "min.cleanable.dirty.ratio": "0.01",
    "max.compaction.lag.ms": "60000",
    "delete.retention.ms": "600000",
}


@dataclass(frozen=True)
class Topic:
    """One topic as it should be. ``keeps_h`` is None where the newest message of every key is kept for good."""

    name: str
    keeps_h: int | None
    follows_chunks: bool
    config: dict[str, str]


@dataclass(frozen=True)
class Made:
    """What ``create`` did about one topic."""

    topic: Topic
    partitions: int
    action: str


def wanted(settings: Settings) -> list[Topic]:
    """The eight topics, chunks first, and one for a shadow's scores. Those that follow have the chunks' partitions."""
    names = settings.kafka.topics
    largest = settings.kafka.largest_message_bytes + AROUND_MESSAGE_BYTES
    # Retention counts the broker's own time: a monitor whose clock is wrong must not make the log drop or hoard.
    log_time = {"message.timestamp.type": "LogAppendTime"}
    beside = [_kept(names.shadow, 24, largest)] if settings.diagnosis.shadow or settings.diagnosis.candidates else []
    return [
        _kept(names.chunks, 6, largest, follows_chunks=True, **log_time),
        _kept(names.control, 7 * 24, largest, follows_chunks=True, **log_time),
        Topic(names.state, None, True, {**COMPACT, "max.message.bytes": str(max(largest, RECORD_BYTES))}),
        _kept(names.alerts, 30 * 24, largest),
        _kept(names.diagnoses, 24, largest),
        _kept(names.vitals, 24, largest),
        _kept(names.verdicts, 30 * 24, largest),
        # A chunk refused for its size must fit here with its reason and position.
        _kept(names.dead_letters, 30 * 24, largest + AROUND_MESSAGE_BYTES),
        *beside,
    ]


async def create(settings: Settings, partitions: int | None, replication: int) -> list[Made]:
    """Make the topics that are missing and give those that follow the chunks one partition count; change nothing else.

    ``partitions`` of None keeps what the chunks have, or takes 12. Raises BrokerError.
    """
    topics = wanted(settings)
    async with _admin(settings) as admin:
        found = await _partitions(admin, topics)
        following = [len(found[topic.name]) for topic in topics if topic.follows_chunks and topic.name in found]
        count = max([partitions or 0, *following]) or DEFAULT_PARTITIONS
        made = []
        for topic in reversed(topics):  # chunks last: who finds their new partition must find its control and state
            made.insert(0, await _make(admin, topic, len(found.get(topic.name, ())), count, replication))
        await _await_leaders(admin, settings, made)
    return made


async def check(settings: Settings) -> list[str]:
    """A sentence with its remedy for everything wrong with the topics; none when all is well. Raises BrokerError."""
    topics = wanted(settings)
    async with _admin(settings) as admin:
        partitions = await _partitions(admin, topics)
        configs = await _configs(admin, list(partitions))
    sentences = []
    for topic in topics:
        if topic.name in partitions:
            sentences += _leaderless(topic, partitions[topic.name])
            sentences += _unfit(topic, configs[topic.name], settings)
        else:
            sentences.append(f"{topic.name} does not exist. Run `ecgstream topics create`.")
    following = [topic.name for topic in topics if topic.follows_chunks and topic.name in partitions]
    return sentences + _uneven({name: len(partitions[name]) for name in following})


def needed_s(settings: Settings) -> float:
    """How long chunks must be kept for a new owner to rebuild a bed: warm-up, the save before it, and the move."""
    return settings.state.warmup_s + settings.state.save_every_s + settings.kafka.session_timeout_s


def _kept(name: str, hours: int, largest: int, follows_chunks: bool = False, **config: str) -> Topic:
    config |= {"cleanup.policy": "delete", "retention.ms": str(hours * HOUR_MS), "max.message.bytes": str(largest)}
    return Topic(name, hours, follows_chunks, config)


def _uneven(counts: dict[str, int]) -> list[str]:
    if len(set(counts.values())) <= 1:
        return []
    listed = ", ".join(f"{name} {count}" for name, count in counts.items())
    return [
        "A bed's chunks, control and state lie in partitions of one number, so these topics must have equally many; "
        f"they have: {listed}. Run `ecgstream topics create`."
    ]


def _leaderless(topic: Topic, partitions: list[dict[str, Any]]) -> list[str]:
    numbers = sorted(told["partition"] for told in partitions if told["leader"] < 0)
    listed = ", ".join(map(str, numbers))
    return [f"{topic.name} has no leader for partition {listed}; start the brokers that hold it."] if numbers else []


def _unfit(topic: Topic, config: dict[str, str], settings: Settings) -> Iterator[str]:
    policy, has = topic.config["cleanup.policy"], config["cleanup.policy"]
    if has != policy:
        why = "the newest message of every key must stay" if policy == "compact" else "every message counts"
        yield f"{topic.name} has cleanup.policy={has}, but {why}. {_remedy(topic, 'cleanup.policy')}"
    kept_ms, needed_ms = int(config["retention.ms"]), needed_s(settings) * 1000
    if topic.name == settings.kafka.topics.chunks and 0 <= kept_ms < needed_ms:
        yield (
            f"{topic.name} keeps messages for {kept_ms / 1000:g} s; who takes up a bed may read {needed_ms / 1000:g} s "
            f"back (state.warmup_s + state.save_every_s + kafka.session_timeout_s). {_remedy(topic, 'retention.ms')}"
        )
    if int(config["max.message.bytes"]) < int(topic.config["max.message.bytes"]):
        state = topic.name == settings.kafka.topics.state
        needs = "a bed's state" if state else f"kafka.largest_message_bytes={settings.kafka.largest_message_bytes}"
        yield (
            f"{topic.name} takes at most {config['max.message.bytes']} bytes; {needs} may need "
            f"{topic.config['max.message.bytes']}. {_remedy(topic, 'max.message.bytes')}"
        )


def _remedy(topic: Topic, name: str) -> str:
    change = f"--add-config {name}={topic.config[name]}"
    return (
        f"Run `kafka-configs.sh --bootstrap-server … --alter --entity-type topics --entity-name {topic.name} {change}`."
    )


@asynccontextmanager
async def _admin(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(**client_options(settings.kafka))
    try:
        await admin.start()
        yield admin
    except KafkaConnectionError as error:
        raise BrokerError(await why_unreachable(settings.kafka) or f"Kafka went away ({error}); try again.") from error
    except (KafkaError, TimeoutError) as error:
        raise BrokerError(f"Kafka does not carry this out: {str(error) or type(error).__name__}.") from error
    finally:
        await admin.close()


async def _partitions(admin: AIOKafkaAdminClient, topics: list[Topic]) -> dict[str, list[dict[str, Any]]]:
    # Asking for all topics: asking for one by name would create it where the cluster creates topics by itself.
    names = {topic.name for topic in topics}
    return {told["topic"]: told["partitions"] for told in await admin.describe_topics() if told["topic"] in names}


async def _configs(admin: AIOKafkaAdminClient, names: list[str]) -> dict[str, dict[str, str]]:
    if not names:
        return {}
    [answer] = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in names])
    configs = {}
    for code, message, _, name, entries in answer.resources:
        if code:
            raise for_code(code)(f"settings of {name} cannot be read ({message})")
        configs[name] = {entry[0]: entry[1] for entry in entries}
    return configs


async def _make(admin: AIOKafkaAdminClient, topic: Topic, has: int, count: int, replication: int) -> Made:
    if has == 0:
        await _create_one(admin, topic, count, replication)
        return Made(topic, count, "created")
    if topic.follows_chunks and has < count:
        await admin.create_partitions({topic.name: NewPartitions(count)})
        return Made(topic, count, f"grown from {has} partitions")
    return Made(topic, has, "was there")


async def _create_one(admin: AIOKafkaAdminClient, topic: Topic, count: int, replication: int) -> None:
    # With three copies an acknowledged message survives the loss of any one broker; with fewer it cannot.
    in_sync = {"min.insync.replicas": "2"} if replication >= 3 else {}
    new = NewTopic(topic.name, count, replication, topic_configs={**topic.config, **in_sync})
    for name, code, message in (await admin.create_topics([new])).topic_errors:
        if code not in (0, TopicAlreadyExistsError.errno):
            raise for_code(code)(f"{name} cannot be created ({message})")


async def _await_leaders(admin: AIOKafkaAdminClient, settings: Settings, made: list[Made]) -> None:
    """A new topic is announced a moment after it is promised; who comes next must find it."""
    async with asyncio.timeout(settings.kafka.request_timeout_s):
        while True:
            found = await _partitions(admin, [one.topic for one in made])
            led = {name: sum(told["leader"] >= 0 for told in partitions) for name, partitions in found.items()}
            if all(led.get(one.topic.name, 0) >= one.partitions for one in made):
                return
            await asyncio.sleep(0.1)
