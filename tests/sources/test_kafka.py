"""The Kafka source against a real broker: what is read, who reads it, and what becomes of it when things go away."""

import asyncio
import contextlib
import os
import time

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import NewPartitions, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.structs import TopicPartition

from ecgstream.errors import SettingsError, WireError
from ecgstream.kafka import group
from ecgstream.kafka.producers import Producers
from ecgstream.settings import KafkaSettings, TlsSettings
from ecgstream.sources.kafka import Extent, KafkaSource
from ecgstream.wire.codec import decode_chunk

from ..kafka.members import KIND, Beds, admin, fill, member, receive, until

ALL = frozenset({0, 1, 2})


@pytest.fixture
def settings(kafka_settings) -> KafkaSettings:
    return kafka_settings.model_copy(update={"session_timeout_s": 3.0, "request_timeout_s": 5.0})


async def commit(settings, source, offsets) -> None:
    producers = Producers(settings)
    await producers.commit(offsets, source.consumer)


# ------------------------------------------------------------------------------------------------------------ reading


async def test_messages_come_with_all_that_is_known_of_them_each_partition_in_order(settings):
    await fill(settings, 0, [b"%d" % number for number in range(500)])
    await fill(settings, 1, [b"%d" % number for number in range(500)])
    begun_ns = time.time_ns()
    async with member(settings) as source:
        messages = await receive(source, 1000)
        for partition in (0, 1):
            of_partition = [m for m in messages if m.position.partition == partition]
            assert [m.payload for m in of_partition] == [b"%d" % number for number in range(500)]
            assert [m.position.offset for m in of_partition] == list(range(500))
        assert {(m.content_type, m.key, m.position.epoch) for m in messages} == {(KIND, b"bed-1", 1)}
        assert all(abs(m.position.log_ns - begun_ns) < 60e9 and m.arrived_ns >= begun_ns for m in messages)
        assert source.assigned == ALL and source.faults() == [] and source.lag() == {0: 0, 1: 0, 2: 0}


async def test_receive_gives_at_most_what_was_asked_for_and_drain_never_waits(settings):
    await fill(settings, 0, [b"x"] * 30)
    async with member(settings) as source:
        assert len(await source.receive(4)) <= 4
        assert source.drain(0) == []
        await asyncio.sleep(0.3)
        assert len(source.drain(2)) == 2
        rest = await receive(source, 24)
        assert [message.position.offset for message in rest] == list(range(6, 30))
        assert source.drain(100) == []


async def test_a_cancelled_receive_loses_nothing(settings):
    got = []
    async with member(settings) as source:
        for number in range(20):
            receiving = asyncio.create_task(source.receive(10))
            await asyncio.sleep(0.002 * (number % 5))
            await fill(settings, 0, [b"%d" % number])
            receiving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                got += await receiving
        got += await receive(source, 20 - len(got))
    assert [message.payload for message in got] == [b"%d" % number for number in range(20)]


async def test_a_source_nobody_asks_buffers_what_was_asked_for_last_and_stays_a_member(settings):
    await fill(settings, 0, [bytes(1000)] * 3000)
    async with member(settings) as source:
        await source.receive(100)
        await asyncio.sleep(2 * settings.session_timeout_s)
        assert len(source._buffer) <= 2 * 100
        assert source.rebalances == 1 and not source.lease.lapsed()
        assert source.lag()[0] >= 2700
        assert len(await receive(source, 2900)) == 2900


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ({"value": b"payload", "headers": []}, "malformed"),
        ({"value": b"payload", "headers": [("content-type", b"\xff\xfe")]}, "unknown_content_type"),
        ({"value": None, "key": b"a tombstone", "headers": [("content-type", KIND.encode())]}, "bad_stream_id"),
        ({"value": bytes(5 * 2**20), "headers": [("content-type", KIND.encode())]}, "oversize"),
    ],
)
async def test_what_is_no_chunk_arrives_for_the_codec_to_refuse_and_holds_nothing_up(settings, message, reason):
    async with admin(settings) as client:
        largest = ConfigResource(ConfigResourceType.TOPIC, settings.topics.chunks, {"max.message.bytes": "10000000"})
        await client.alter_configs([largest])
    options = {"bootstrap_servers": settings.bootstrap[0], "max_request_size": 10_000_000}
    async with AIOKafkaProducer(**options) as sender:
        await sender.send_and_wait(settings.topics.chunks, partition=0, **message)
    await fill(settings, 0, [b"next"])
    async with member(settings) as source:
        bad, good = await receive(source, 2)
    assert good.payload == b"next"
    with pytest.raises(WireError) as refusal:
        decode_chunk(bad.payload, bad.content_type)
    assert refusal.value.reason == reason


# ------------------------------------------------------------------------------------------------- where reading begins


async def test_reading_begins_where_the_owner_says_else_at_the_committed_else_at_the_first_offset(settings):
    for partition in ALL:
        await fill(settings, partition, [b"%d" % number for number in range(10)])
    async with member(settings) as source:
        await receive(source, 30)
        await commit(settings, source, {0: 4, 1: 5})
    beds = Beds(begin_at={0: 2})
    async with member(settings, beds) as source:
        messages = await receive(source, 8 + 5 + 10)
    first = {
        partition: min(m.position.offset for m in messages if m.position.partition == partition) for partition in ALL
    }
    assert first == {0: 2, 1: 5, 2: 0}
    assert beds.extents == {0: Extent(0, 10, 4), 1: Extent(0, 10, 5), 2: Extent(0, 10, None)}


async def test_an_offset_that_has_left_the_log_is_counted_and_reading_goes_on_at_the_first(settings):
    await fill(settings, 0, [b"%d" % number for number in range(10)])
    async with admin(settings) as client:
        await client.delete_records({TopicPartition(settings.topics.chunks, 0): RecordsToDelete(before_offset=6)})
    for begin_at in (2, 99):
        async with member(settings, Beds(begin_at={0: begin_at})) as source:
            assert [message.position.offset for message in await receive(source, 4)] == [6, 7, 8, 9]
            assert source.resets == 1


async def test_retention_that_overtakes_a_reader_is_counted_and_reading_goes_on_at_the_first(settings, monkeypatch):
    monkeypatch.setattr(group, "FETCH_BYTES", 1000)
    place = TopicPartition(settings.topics.chunks, 0)
    for _ in range(100):
        await fill(settings, 0, [os.urandom(1000)])
    async with member(settings) as source:
        assert [message.position.offset for message in await source.receive(1)] == [0]
        await asyncio.sleep(0.5)
        async with admin(settings) as client:
            await client.delete_records({place: RecordsToDelete(before_offset=90)})
        offsets = []
        async with asyncio.timeout(20):
            while offsets[-1:] != [99]:
                offsets += [message.position.offset for message in await source.receive(1)]
        assert offsets[-10:] == list(range(90, 100)) and len(offsets) < 30
        assert source.resets == 1


# ------------------------------------------------------------------------------------------------------------ the group


async def test_partitions_are_given_up_and_taken_up_as_members_come_and_go(settings):
    beds, other_beds = Beds(), Beds()
    async with member(settings, beds) as source:
        await until(lambda: source.assigned == ALL)
        async with member(settings, other_beds) as other:
            await until(lambda: other.assigned and source.assigned and source.assigned | other.assigned == ALL)
            assert not source.assigned & other.assigned
            kept = source.assigned
            await until(lambda: not source.faults() and not other.faults())
        await until(lambda: source.assigned == ALL and not source.faults())
    assert beds.calls == [("gain", ALL), ("lose", ALL), ("gain", kept), ("lose", kept), ("gain", ALL)]
    assert other_beds.calls == [("gain", ALL - kept)]


async def test_a_member_keeps_what_it_can_when_another_comes(settings):
    async with admin(settings) as client:
        await client.create_partitions({settings.topics.chunks: NewPartitions(6)})
    async with member(settings) as one, member(settings) as two:
        await until(lambda: len(one.assigned) == len(two.assigned) == 3)
        before = one.assigned, two.assigned
        async with member(settings) as three:
            await until(lambda: len(one.assigned) == len(two.assigned) == len(three.assigned) == 2)
            assert one.assigned < before[0] and two.assigned < before[1]


async def test_what_was_buffered_of_a_lost_partition_is_dropped_and_read_by_whoever_has_it_next(settings):
    for partition in ALL:
        await fill(settings, partition, [b"%d" % number for number in range(50)])
    async with member(settings) as source:
        assert len(await receive(source, 20)) == 20
        await until(lambda: source._buffer)
        async with member(settings) as other:
            await until(lambda: other.assigned and source.assigned and not other.assigned & source.assigned)
            await until(lambda: not source.faults() and not other.faults())
            again = await receive(source, 50 * len(source.assigned))
            others = await receive(other, 50 * len(other.assigned))
            assert {m.position.partition for m in again} == source.assigned
            assert {m.position.epoch for m in again} == {source.rebalances}
            assert {m.position.partition for m in others} == other.assigned


async def test_heartbeats_go_on_while_beds_are_taken_up_for_longer_than_the_session_time_out(settings):
    beds = Beds(takes_s=2 * settings.session_timeout_s)
    await fill(settings, 0, [b"x"])
    async with member(settings, beds) as source:
        await until(lambda: source.assigned)
        assert source.faults() == ["partitions being taken up: 0, 1, 2"]
        assert len(await receive(source, 1)) == 1
        assert source.rebalances == 1


async def test_an_owner_that_cannot_finish_does_not_hold_up_the_group(settings):
    async with member(settings, Beds()) as source:
        await until(lambda: source.assigned == ALL)
        source._group._owner.takes_s = 60.0
        async with member(settings) as other:
            begun_s = time.monotonic()
            await until(lambda: other.assigned)
            assert time.monotonic() - begun_s < settings.session_timeout_s + 1.5


async def test_a_fault_of_the_owner_is_not_swallowed(settings):
    class Broken(Beds):
        async def gain(self, partitions, extents):
            raise ZeroDivisionError

    async with member(settings, Broken()) as source:
        async with asyncio.timeout(20):
            with pytest.raises(ZeroDivisionError):
                await source.receive(1)


async def test_partitions_that_are_added_are_found(settings, monkeypatch):
    monkeypatch.setattr(group, "METADATA_AGE_S", 0.5)
    async with member(settings) as source:
        await until(lambda: source.assigned == ALL)
        async with admin(settings) as client:
            await client.create_partitions({settings.topics.chunks: NewPartitions(5)})
        await until(lambda: source.assigned == {0, 1, 2, 3, 4} and not source.faults())
        await fill(settings, 4, [b"in a new partition"])
        assert (await receive(source, 1))[0].position.partition == 4


async def test_a_static_member_that_restarts_gets_the_same_partitions_and_disturbs_nobody(settings):
    static = settings.model_copy(update={"instance": "daemon-1", "session_timeout_s": 10.0})
    async with member(settings.model_copy(update={"session_timeout_s": 10.0})) as other:
        await until(lambda: other.assigned == ALL)
        async with member(static) as source:
            await until(lambda: source.assigned and other.assigned and not source.assigned & other.assigned)
            before, rebalances = source.assigned, other.rebalances
        async with member(static) as source:
            await until(lambda: source.assigned)
            assert source.assigned == before
            assert other.rebalances == rebalances


# ------------------------------------------------------------------------------------------------- the broker goes away


async def test_the_broker_may_be_killed_and_come_back(broker, settings):
    await fill(settings, 0, [b"before"])
    async with member(settings) as source:
        assert (await receive(source, 1))[0].payload == b"before"
        assert source.unreachable_s() == 0
        receiving = asyncio.create_task(source.receive(10))
        await asyncio.to_thread(broker.kill)
        await until(lambda: source.faults())
        assert f"Kafka at {broker.bootstrap} has not answered since" in source.faults()[0]
        assert source.unreachable_s() > 3
        await asyncio.sleep(settings.session_timeout_s)
        await asyncio.to_thread(broker.start)
        await fill(settings, 0, [b"after"])
        async with asyncio.timeout(30):
            assert "after" in [message.payload.decode() for message in await receiving]
        await until(lambda: not source.faults())


async def test_a_source_starts_without_a_broker_and_ends_without_one(settings):
    nowhere = settings.model_copy(update={"bootstrap": ("127.0.0.1:1",)})
    source = KafkaSource(nowhere, time.time_ns, Beds())
    await source.start()
    await until(lambda: source.faults() and "has not answered" in source.faults()[0])
    begun_s = time.monotonic()
    await source.close()
    await source.close()
    assert time.monotonic() - begun_s < 3


async def test_settings_that_cannot_work_are_told_at_the_start(settings, tmp_path):
    wrong = settings.model_copy(update={"tls": TlsSettings(ca_file=tmp_path / "none.pem")})
    with pytest.raises(SettingsError, match="ca_file"):
        await KafkaSource(wrong, time.time_ns, Beds()).start()
