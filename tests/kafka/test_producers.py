"""What leaves is there once confirmed, once only where that is asked for, and no wait is without end."""

import asyncio
import contextlib
import time
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from ecgstream.errors import DeliveryError, FencedError
from ecgstream.kafka.lease import Instant, Lease
from ecgstream.kafka.producers import NO_PARTITION, Producers

from .members import member, until
from .topics import messages

HEADERS = [("content-type", b"application/json"), ("reason", b"x")]


@pytest.fixture
def exactly_once(kafka_settings):
    return kafka_settings.model_copy(update={"delivery": "exactly-once"})


@asynccontextmanager
async def started(settings):
    producers = Producers(settings)
    await producers.start()
    try:
        yield producers
    finally:
        await producers.close(1.0)


def alerts(settings) -> list[bytes]:
    """What a reader of the alerts may see."""
    return [message.value for message in messages(settings.bootstrap[0], settings.topics.alerts)]


async def shown(settings, expected: list[bytes]) -> None:
    """Readers see a transaction a moment after its commit is confirmed, as Kafka marks each partition only then."""
    with contextlib.suppress(TimeoutError):
        await until(lambda: len(alerts(settings)) >= len(expected), 10)
    assert sorted(alerts(settings)) == expected


async def committed(settings, partition: int) -> int | None:
    async with AIOKafkaConsumer(bootstrap_servers=settings.bootstrap[0], group_id=settings.group) as consumer:
        return await consumer.committed(TopicPartition(settings.topics.chunks, partition))


async def committed_become(settings, expected: list[int | None]) -> None:
    """As with ``shown``: of the first partitions, a moment after a transaction's commit."""
    async with asyncio.timeout(10):
        while [await committed(settings, partition) for partition in range(len(expected))] != expected:  # noqa: ASYNC110
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("compression", ["none", "gzip", "snappy", "lz4", "zstd"])
async def test_what_is_confirmed_lies_in_its_topic_in_order(kafka_settings, compression):
    settings = kafka_settings.model_copy(update={"compression": compression})
    async with started(settings) as producers:
        for number in range(500):
            producers.send(NO_PARTITION, settings.topics.alerts, b"bed-1", b"%d" % number, HEADERS)
        producers.send(NO_PARTITION, settings.topics.alerts, b"bed-1", None, partition=2)
        await producers.confirm()
        found = messages(settings.bootstrap[0], settings.topics.alerts)
        by_key = [message for message in found if message.value is not None]
        assert [message.value for message in by_key] == [b"%d" % number for number in range(500)]
        assert {(message.key, message.headers) for message in by_key} == {(b"bed-1", tuple(HEADERS))}
        assert [(message.partition, message.headers) for message in found if message.value is None] == [(2, ())]


async def test_a_payload_no_broker_takes_is_refused_in_a_sentence_and_holds_nothing_up(kafka_settings):
    async with started(kafka_settings) as producers:
        too_large = bytes(9 * 2**20)
        producers.send(NO_PARTITION, kafka_settings.topics.alerts, b"bed-1", too_large)
        with pytest.raises(DeliveryError, match=r"has not confirmed 1 messages \(.*bytes when serialized"):
            await producers.confirm()
        producers.send(NO_PARTITION, kafka_settings.topics.alerts, b"bed-1", b"small")
        await producers.confirm()
        assert alerts(kafka_settings) == [b"small"]


async def test_while_the_broker_is_away_every_call_ends_and_what_was_sent_is_sent_again(broker, kafka_settings):
    settings = kafka_settings.model_copy(update={"request_timeout_s": 1.5})
    async with started(settings) as producers, member(settings) as source:
        await until(lambda: source.assigned and not source.faults())
        producers.send(NO_PARTITION, settings.topics.alerts, b"bed-1", b"before")
        await producers.confirm()
        await asyncio.to_thread(broker.kill)
        for attempt in (
            producers.confirm(),
            producers.commit({0: 0}, source.consumer),
            producers.begin(()),
        ):
            producers.send(NO_PARTITION, settings.topics.alerts, b"bed-1", b"lost")
            begun_s = time.monotonic()
            with pytest.raises(DeliveryError, match=settings.bootstrap[0]):
                await attempt
            assert time.monotonic() - begun_s < 5
            await producers.abort()
        away = Producers(settings)
        away.send(NO_PARTITION, settings.topics.alerts, b"bed-1", b"lost")
        begun_s = time.monotonic()
        await away.close(1.0)
        assert time.monotonic() - begun_s < 3
        await asyncio.to_thread(broker.start)
        async with asyncio.timeout(60):
            while True:
                producers.send(NO_PARTITION, settings.topics.alerts, b"bed-1", b"after")
                with contextlib.suppress(DeliveryError):
                    await producers.confirm()
                    break
    first, *rest = alerts(settings)
    assert first == b"before" and set(rest) == {b"after"}, "what could not be sent was let go of"


async def test_offsets_are_committed_for_the_group(kafka_settings):
    async with started(kafka_settings) as producers, member(kafka_settings) as source:
        await until(lambda: len(source.assigned) == 3)
        await producers.commit({0: 7, 2: 9}, source.consumer)
        await producers.commit({}, source.consumer)
        assert [await committed(kafka_settings, partition) for partition in range(3)] == [7, None, 9]


async def test_offsets_of_partitions_that_went_to_others_are_refused(kafka_settings):
    async with started(kafka_settings) as producers, member(kafka_settings) as source:
        await until(lambda: len(source.assigned) == 3)
        async with member(kafka_settings) as other:
            await until(lambda: other.assigned and source.assigned and not source.assigned & other.assigned)
            with pytest.raises(FencedError, match="given partitions") as refusal:
                await producers.commit(dict.fromkeys(other.assigned, 5), source.consumer)
            assert refusal.value.partitions == other.assigned


async def test_a_member_the_group_has_not_heard_from_sends_nothing_until_it_has(kafka_settings):
    lease = Lease(session_timeout_s=2.0)
    async with started(kafka_settings) as producers:
        producers.lease = lease
        await producers.begin(())
        with pytest.raises(DeliveryError, match="has not heard from us yet"):
            await producers.begin({0})
        now = Instant.now()
        for frozen in (Instant(now.monotonic_s - 2.1, now.wall_s), Instant(now.monotonic_s, now.wall_s - 2.1)):
            lease.renew(frozen)
            with pytest.raises(DeliveryError, match=r"has not heard from us for 2\.\d s; .*session_timeout_s"):
                await producers.begin({0, 1})
        lease.renew(Instant(now.monotonic_s - 1.0, now.wall_s - 1.0))
        await producers.begin({0})
        lease.end()
        with pytest.raises(FencedError, match="has put us out") as refusal:
            await producers.begin({0, 1})
        assert refusal.value.partitions == {0, 1}


async def test_a_transaction_shows_messages_and_offsets_together_or_not_at_all(exactly_once):
    async with started(exactly_once) as producers:
        await producers.gain({0, 1, 2})
        await producers.begin({0, 1})
        for origin in (0, 1):
            producers.send(origin, exactly_once.topics.alerts, b"bed-1", b"%d" % origin, partition=0)
        await producers.confirm()
        producers.send(0, exactly_once.topics.alerts, b"bed-1", b"more", partition=0)
        await producers.confirm()
        assert alerts(exactly_once) == []
        assert await committed(exactly_once, 0) is None
        await producers.commit({0: 5}, None)
        await shown(exactly_once, [b"0", b"1", b"more"])
        await committed_become(exactly_once, [5, None])


async def test_what_was_aborted_is_never_seen_and_can_be_sent_again(exactly_once):
    async with started(exactly_once) as producers:
        await producers.gain({0})
        for payload in (b"first", b"second"):
            await producers.begin({0})
            producers.send(0, exactly_once.topics.alerts, b"bed-1", payload)
            await producers.confirm()
            if payload == b"first":
                await producers.abort()
        await producers.commit({0: 1}, None)
        await shown(exactly_once, [b"second"])


async def test_a_new_owner_fences_the_old_one_for_its_partition_only(exactly_once):
    async with started(exactly_once) as old, started(exactly_once) as new:
        await old.gain({0, 1})
        await old.begin({0, 1})
        old.send(0, exactly_once.topics.alerts, b"bed-1", b"of the old owner")
        await old.confirm()
        await new.gain({0})
        with pytest.raises(FencedError, match="Partition 0 has a new owner") as refusal:
            await old.commit({0: 1, 1: 1}, None)
        assert refusal.value.partitions == {0}
        with pytest.raises(FencedError, match="Partition 0 is not ours"):
            await old.begin({0})
        await old.begin({1})
        old.send(1, exactly_once.topics.alerts, b"bed-1", b"of another partition")
        await old.confirm()
        await old.commit({1: 2}, None)
        await new.begin({0})
        new.send(0, exactly_once.topics.alerts, b"bed-1", b"of the new owner")
        await new.confirm()
        await new.commit({0: 3}, None)
        await shown(exactly_once, [b"of another partition", b"of the new owner"])
        await committed_become(exactly_once, [3, 2])


async def test_exactly_once_holds_over_a_broker_that_is_killed_in_a_transaction(broker, exactly_once):
    settings = exactly_once.model_copy(update={"request_timeout_s": 5.0})
    async with started(settings) as producers:
        await producers.gain({0, 1})
        await producers.begin({0, 1})
        for origin in (0, 1):
            producers.send(origin, settings.topics.alerts, b"bed-1", b"%d" % origin)
        await producers.confirm()
        await asyncio.to_thread(broker.kill)
        with pytest.raises(DeliveryError, match="has not committed a transaction"):
            await producers.commit({0: 4, 1: 4}, None)
        await asyncio.to_thread(broker.start)
        async with asyncio.timeout(30):
            await deliver_again(producers, settings)
        await shown(settings, [b"0", b"1"])
        await committed_become(settings, [4, 4])


async def deliver_again(producers, settings) -> None:
    """The whole delivery from its beginning, until it is through."""
    while True:
        try:
            await producers.begin({0, 1})
            for origin in (0, 1):
                producers.send(origin, settings.topics.alerts, b"bed-1", b"%d" % origin)
            await producers.confirm()
            return await producers.commit({0: 4, 1: 4}, None)
        except DeliveryError:
            await producers.abort()
