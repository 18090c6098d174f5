"""Orders are read from the partitions that are ours, from where we are told, and nonsense holds nothing up."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaProducer

from ecgstream.errors import DeliveryError
from ecgstream.kafka.control import ControlLog, ControlWriter
from ecgstream.kafka.keys import partition_of_key
from ecgstream.wire import ecgstream_pb2 as pb
from ecgstream.wire.codec import encode

from .members import WAIT_S


@asynccontextmanager
async def control_of(settings):
    control = ControlLog(settings)
    try:
        yield control
    finally:
        await control.close()


async def send(settings, partition: int, *request_ids: str, fmt="protobuf") -> None:
    async with AIOKafkaProducer(bootstrap_servers=settings.bootstrap[0]) as sender:
        for request_id in request_ids:
            order = pb.Control(stream_id="bed-1", request_id=request_id)
            order.acknowledge.SetInParent()
            kind, payload = encode(order, fmt)
            headers = [("content-type", kind.encode())]
            await sender.send_and_wait(settings.topics.control, payload, b"bed-1", partition, headers=headers)


async def receive(control: ControlLog, count: int) -> list[tuple[int, int, str]]:
    orders = []
    async with asyncio.timeout(WAIT_S):
        while len(orders) < count:
            orders += [(partition, offset, order.request_id) for partition, offset, order in await control.receive()]
    return sorted(orders)


async def test_orders_come_from_the_offset_given_or_from_now_on_of_the_partitions_gained(kafka_settings):
    for partition in range(3):
        await send(kafka_settings, partition, "a", "b", "c")
    async with control_of(kafka_settings) as control:
        await control.gain({0: 1, 1: None})
        await send(kafka_settings, 1, "new", fmt="json")
        await send(kafka_settings, 2, "of others")
        assert await receive(control, 3) == [(0, 1, "b"), (0, 2, "c"), (1, 3, "new")]


async def test_gaining_and_losing_partitions_reads_each_order_of_the_others_once(kafka_settings):
    async with control_of(kafka_settings) as control:
        await control.gain({0: 0})
        await send(kafka_settings, 0, "a")
        assert await receive(control, 1) == [(0, 0, "a")]
        await control.gain({1: 0})
        await send(kafka_settings, 0, "b")
        await send(kafka_settings, 1, "c")
        assert await receive(control, 2) == [(0, 1, "b"), (1, 0, "c")]
        control.lose({0})
        await send(kafka_settings, 0, "d")
        await send(kafka_settings, 1, "e")
        assert await receive(control, 1) == [(1, 1, "e")]
        control.lose({1})
        await send(kafka_settings, 1, "f")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(control.receive(), 1.0)
        await control.gain({0: 2, 1: 2})
        assert await receive(control, 2) == [(0, 2, "d"), (1, 2, "f")]


async def test_what_is_no_order_is_counted_and_left_behind(kafka_settings):
    async with AIOKafkaProducer(bootstrap_servers=kafka_settings.bootstrap[0]) as sender:
        for value, headers in ((b"nonsense", []), (None, []), (b"\xff", [("content-type", b"text/plain")])):
            await sender.send_and_wait(kafka_settings.topics.control, value, b"bed-1", 0, headers=headers)
    await send(kafka_settings, 0, "an order")
    async with control_of(kafka_settings) as control:
        await control.gain({0: 0})
        assert await receive(control, 1) == [(0, 3, "an order")]
        assert control.refused == 3


async def test_an_offset_that_has_left_the_log_begins_at_the_first(kafka_settings):
    await send(kafka_settings, 0, "a")
    async with control_of(kafka_settings) as control:
        await control.gain({0: 50})
        assert await receive(control, 1) == [(0, 0, "a")]


async def test_without_a_broker_gaining_ends_with_a_sentence_and_may_be_tried_again(kafka_settings):
    nowhere = kafka_settings.model_copy(update={"bootstrap": ("127.0.0.1:1",), "request_timeout_s": 1.0})
    async with control_of(nowhere) as control:
        for _ in range(2):
            with pytest.raises(DeliveryError, match=r"Kafka at 127\.0\.0\.1:1"):
                await control.gain({0: None})
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(control.receive(), 1.0)


async def test_what_is_written_lies_in_the_partition_of_the_bed(kafka_settings):
    writer = ControlWriter(kafka_settings)
    beds = [f"bed-{number}" for number in range(6)]
    await asyncio.gather(
        *(writer.write(pb.Control(stream_id=bed, request_id=bed, acknowledge=pb.Acknowledge())) for bed in beds)
    )
    await writer.close(1.0)
    async with control_of(kafka_settings) as control:
        await control.gain(dict.fromkeys(range(3), 0))
        found = await receive(control, len(beds))
    assert {(partition, bed) for partition, _, bed in found} == {(partition_of_key(bed, 3), bed) for bed in beds}


async def test_an_order_nobody_confirms_is_an_error_and_the_next_one_is_tried(kafka_settings):
    nowhere = kafka_settings.model_copy(update={"bootstrap": ("127.0.0.1:1",), "request_timeout_s": 0.5})
    writer = ControlWriter(nowhere)
    for _ in range(2):
        with pytest.raises(DeliveryError, match=r"Kafka at 127\.0\.0\.1:1"):
            await writer.write(pb.Control(stream_id="bed-1", acknowledge=pb.Acknowledge()))
    await writer.close(1.0)
