"""``ecgstream web`` with a real broker; the test publishes what daemons publish."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import aiohttp
from aiokafka import AIOKafkaProducer

from ecgstream.settings import KafkaSettings, SinkSettings, SourceSettings
from ecgstream.wire import ecgstream_pb2 as pb
from ecgstream.wire.codec import encode

from ..web.messages import alert, vitals
from ..web.process import BED, ORDER, assert_is_the_feed, pages, served, settings, shown
from .topics import messages


async def test_over_kafka_it_shows_alarms_from_before_it_began_and_writes_orders_to_the_topic(
    tmp_path: Path, kafka_settings: KafkaSettings
):
    topics = kafka_settings.topics
    async with AIOKafkaProducer(bootstrap_servers=kafka_settings.bootstrap[0]) as producer:

        async def publish(topic: str, content_type: str, payload: bytes) -> None:
            headers = [("content-type", content_type.encode())]
            await producer.send_and_wait(topic, payload, key=b"bed-1", headers=headers)

        await publish(topics.alerts, *alert())
        kinds = {"source": SourceSettings(kind="kafka"), "sink": SinkSettings(kind="kafka")}
        ours, token = settings(tmp_path, kafka=kafka_settings, **kinds)
        async with served(ours, token) as browser:
            showing = asyncio.create_task(shown(browser))
            for _, message in BED.messages():
                await publish(topics.chunks, message.content_type, message.payload)
            await publish(topics.vitals, *vitals(heart_rate_bpm=70))
            assert_is_the_feed(*await showing)
            async with browser.post("ward/orders", json=ORDER) as answer:
                assert (answer.status, (await answer.json())["passedOn"]) == (202, True)
    (order,) = messages(kafka_settings.bootstrap[0], topics.control)
    assert pb.Control.FromString(order.value).reason == "seen" and order.key == b"bed-1"


async def test_over_kafka_it_shows_no_alarm_of_whoever_lay_in_a_bed_before(
    tmp_path: Path, kafka_settings: KafkaSettings
):
    """Bed 1 got another patient and an alarm since; bed 2 got one and was quiet; of bed 3 nothing was told."""
    topics = kafka_settings.topics
    async with AIOKafkaProducer(bootstrap_servers=kafka_settings.bootstrap[0]) as producer:

        async def publish(topic: str, bed: str, content_type: str, payload: bytes) -> None:
            headers = [("content-type", content_type.encode())]
            await producer.send_and_wait(topic, payload, key=bed.encode(), headers=headers)

        async def alarm(bed: str, alert_id: str, state: int) -> None:
            update = int(state == pb.Alert.ENDED)
            await publish(topics.alerts, bed, *alert(stream_id=bed, alert_id=alert_id, update=update, state=state))

        for bed in ("bed-1", "bed-2", "bed-3"):
            await alarm(bed, f"old-{bed}", pb.Alert.ACTIVE)
        await asyncio.sleep(0.01)  # brokers count milliseconds
        for bed in ("bed-1", "bed-2"):
            order = pb.Control(version=1, stream_id=bed, actor="ADT", association={"patient_reference": "p-2"})
            await publish(topics.control, bed, *encode(order))
        await asyncio.sleep(0.01)
        await alarm("bed-1", "old-bed-1", pb.Alert.ENDED)
        await alarm("bed-1", "new", pb.Alert.ACTIVE)
        kinds = {"source": SourceSettings(kind="kafka"), "sink": SinkSettings(kind="kafka")}
        ours, token = settings(tmp_path, kafka=kafka_settings, **kinds)
        async with served(ours, token) as browser:
            past: dict[str, list[str]] = {}
            async with asyncio.timeout(30):
                while past != {"bed-1": ["new"], "bed-2": [], "bed-3": ["old-bed-3"]}:
                    past = await history(browser)
                    await asyncio.sleep(0.1)
            await asyncio.sleep(1)
            assert past == await history(browser)


async def test_over_kafka_trends_go_back_to_before_it_began_and_no_further_than_the_patient(
    tmp_path: Path, kafka_settings: KafkaSettings, monkeypatch
):
    """Vitals of an hour, half an hour and a minute ago; bed 2 has got another patient since."""
    monkeypatch.setattr("ecgstream.web_process.LOOK_BACK_AFTER_S", 1.0)
    topics, now_s = kafka_settings.topics, int(time.time())
    async with AIOKafkaProducer(bootstrap_servers=kafka_settings.bootstrap[0]) as producer:

        async def publish(topic: str, bed: str, ago_s: int, content_type: str, payload: bytes) -> None:
            headers = [("content-type", content_type.encode())]
            at_ms = 1000 * (now_s - ago_s)
            await producer.send(topic, payload, key=bed.encode(), headers=headers, timestamp_ms=at_ms)

        for ago_s in (*range(3600, 3540, -1), *range(1800, 1740, -1), *range(90, 30, -1)):
            for bed in ("bed-1", "bed-2"):
                told = vitals(bed, now_s - ago_s, heart_rate_bpm=ago_s // 60 + 20)
                await publish(topics.vitals, bed, ago_s, *told)
        order = pb.Control(version=1, stream_id="bed-2", actor="ADT", association={"patient_reference": "p-2"})
        await publish(topics.control, "bed-2", 0, *encode(order))
        await producer.flush()
        kinds = {"source": SourceSettings(kind="kafka"), "sink": SinkSettings(kind="kafka")}
        ours, token = settings(tmp_path, kafka=kafka_settings, **kinds)
        async with served(ours, token) as browser:
            for bed in ("bed-1", "bed-2"):
                await publish(topics.vitals, bed, -60, *vitals(bed, now_s + 60, heart_rate_bpm=70))
            rates: dict[str, set[float]] = {}
            async with asyncio.timeout(30):
                while rates != {"bed-1": {79, 49, 20, 70}, "bed-2": {70}}:
                    await asyncio.sleep(0.2)
                    rates = await trends(browser)


async def trends(browser: aiohttp.ClientSession) -> dict[str, set[float]]:
    """Heart rates that each bed's page shows of the last day."""
    return {bed: set(page["trends"]["mean"]) - {None} for bed, page in (await pages(browser)).items()}


async def history(browser: aiohttp.ClientSession) -> dict[str, list[str]]:
    """Ids of the past alarms that each bed's page shows."""
    return {bed: [one["id"] for one in page["alerts"]] for bed, page in (await pages(browser)).items()}
