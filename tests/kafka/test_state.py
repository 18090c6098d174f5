"""Beds' records come back as they were sent last, and only those that are committed."""

import asyncio
import time
from contextlib import asynccontextmanager

import pytest

from ecgstream.errors import DeliveryError, FencedError
from ecgstream.kafka.producers import Producers
from ecgstream.kafka.state import StateTopic


@asynccontextmanager
async def state_of(settings):
    producers = Producers(settings)
    await producers.gain({0, 1, 2})
    try:
        yield StateTopic(settings, producers), producers
    finally:
        await producers.close(1.0)


@pytest.fixture
def exactly_once(kafka_settings):
    return kafka_settings.model_copy(update={"delivery": "exactly-once"})


async def test_an_empty_partition_holds_no_records(kafka_settings):
    async with state_of(kafka_settings) as (state, _):
        assert await state.load(1) == {}
        assert await state.load_all() == {}


async def test_the_newest_record_of_every_bed_of_the_partition_comes_back(kafka_settings):
    async with state_of(kafka_settings) as (state, producers):
        for number in range(300):
            state.send(0, f"bed-{number % 30}", b"%d" % number)
        state.send(1, "bed-in-1", b"\x00\xff")
        state.send(0, "\x00control", b"7")
        state.forget(0, "bed-29")
        state.forget(0, "bed-28")
        state.send(0, "bed-28", b"again")
        await producers.confirm()
        expected = {f"bed-{number}": b"%d" % (270 + number) for number in range(28)}
        assert await state.load(0) == expected | {"bed-28": b"again", "\x00control": b"7"}
        assert await state.load(1) == {"bed-in-1": b"\x00\xff"}
        assert await state.load(2) == {}


async def test_a_bed_that_moved_with_a_grown_topic_is_found_where_its_newest_record_lies(kafka_settings):
    async with state_of(kafka_settings) as (state, producers):
        for partition, stream_id, record in (
            (0, "stayed", b"a"),
            (0, "moved", b"old"),
            (2, "forgotten", b"old"),
            (2, "moved", b"new"),
            (1, "forgotten", None),
        ):
            if record is None:
                state.forget(partition, stream_id)
            else:
                state.send(partition, stream_id, record)
            await producers.confirm()
            await asyncio.sleep(0.002)  # the log's clock counts milliseconds
        assert await state.load_all() == {"stayed": (0, b"a"), "moved": (2, b"new")}


async def test_records_of_a_transaction_count_once_it_is_committed(exactly_once):
    async with state_of(exactly_once) as (state, producers):
        for record in (b"first", b"aborted", b"second"):
            await producers.begin({0})
            state.send(0, "bed-1", record)
            await producers.confirm()
            if record == b"aborted":
                await producers.abort()
            else:
                await producers.commit({}, None)
            expected = b"first" if record == b"aborted" else record
            await producers.gain({0})  # as a new owner does: an open transaction hides what lies behind it
            assert await state.load(0) == {"bed-1": expected}
        await producers.begin({0})
        state.send(0, "bed-1", b"not yet")
        await producers.confirm()
        assert await state.load(0) == {"bed-1": b"second"}


async def test_a_partition_that_is_not_ours_takes_no_record(exactly_once):
    producers = Producers(exactly_once)
    with pytest.raises(FencedError, match="Partition 0 is not ours"):
        StateTopic(exactly_once, producers).send(0, "bed-1", b"")


async def test_without_a_broker_loading_ends_with_a_sentence(kafka_settings):
    settings = kafka_settings.model_copy(update={"bootstrap": ("127.0.0.1:1",), "request_timeout_s": 1.0})
    begun_s = time.monotonic()
    with pytest.raises(DeliveryError, match=r"Kafka at 127\.0\.0\.1:1 has not given"):
        await StateTopic(settings, Producers(settings)).load(0)
    assert time.monotonic() - begun_s < 5


async def test_a_topic_that_is_not_there_ends_loading_in_bounded_time(kafka_settings):
    topics = kafka_settings.topics.model_copy(update={"state": "not there/at all"})
    settings = kafka_settings.model_copy(update={"topics": topics, "request_timeout_s": 1.0})
    for load in (
        StateTopic(settings, Producers(settings)).load(0),
        StateTopic(settings, Producers(settings)).load_all(),
    ):
        begun_s = time.monotonic()
        with pytest.raises(DeliveryError, match="not there/at all"):
            await load
        assert time.monotonic() - begun_s < 6
