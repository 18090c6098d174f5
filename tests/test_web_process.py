"""``ecgstream web`` over real sockets and a real broker; the test publishes what daemons publish and takes orders."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import numpy as np
import pytest
from aiokafka import AIOKafkaProducer

from ecgstream.diagnosis import load_model
from ecgstream.outputs import Outgoing
from ecgstream.settings import (
    ControlSettings,
    ExplanationSettings,
    HttpSettings,
    KafkaSettings,
    LogSettings,
    Settings,
    SinkSettings,
    SourceSettings,
    WebSettings,
)
from ecgstream.sinks.zeromq import ZeroMqSink
from ecgstream.sources.control import ControlSocket
from ecgstream.sources.message import Message
from ecgstream.web.access import Role, new_entry
from ecgstream.web_process import WebProcess
from ecgstream.wire import ecgstream_pb2 as pb
from ecgstream.wire.codec import encode

from .alert_strips.test_draw import alert as drawn_alert
from .feed import START_NS, Bed
from .kafka.topics import messages
from .web.messages import alert, vitals

BED = Bed("bed-1", cuts=tuple(range(125, 24 * 250, 125)))
ORDER = {"streamId": "bed-1", "actor": "Nurse Joy", "reason": "seen", "acknowledge": {}}
ANY_PORT = "tcp://127.0.0.1:*"


def settings(folder: Path, **sections) -> tuple[Settings, str]:
    """Settings of a page with a token for it."""
    token, entry = new_entry("desk", Role.ACKNOWLEDGE)
    (folder / "tokens.yaml").write_text(entry)
    web = WebSettings(enabled=True, tokens_file=folder / "tokens.yaml")
    log = LogSettings(audit_path=folder / "audit.jsonl")
    return Settings(http=HttpSettings(port=0), web=web, log=log, **sections), token


@asynccontextmanager
async def served(settings: Settings, token: str) -> AsyncIterator[aiohttp.ClientSession]:
    process = WebProcess(settings)
    running = asyncio.create_task(process.run())
    try:
        async with asyncio.timeout(30):
            while not process.endpoints.port:
                await asyncio.sleep(0.05)
                if running.done():
                    running.result()
        base = f"http://127.0.0.1:{process.endpoints.port}/"
        async with aiohttp.ClientSession(base, headers={"Authorization": f"Bearer {token}"}) as browser:
            yield browser
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def shown(browser: aiohttp.ClientSession) -> tuple[dict, np.ndarray]:
    """What a page is told of bed-1, and its first lead, once all of that has come: alarm, rate, signal."""
    bed, rate, wave = {}, None, np.array([], np.int16)
    async with asyncio.timeout(30), browser.ws_connect("ward/live") as socket:
        await socket.receive_json()
        while not (bed.get("alerts") and rate and len(wave) > 2000):
            message = await socket.receive()
            if message.type is aiohttp.WSMsgType.BINARY:
                n = int.from_bytes(message.data[12:14], "little")
                wave = np.concatenate((wave, np.frombuffer(message.data, "<i2", n, 16)))
                continue
            news = json.loads(message.data)
            rate = next((document["hr"] for document in news["vitals"]), rate)
            for document in news["beds"]:
                bed = document
                await socket.send_json({"show": [{"n": bed["n"]}]})
    return bed | {"hr": rate}, wave


def assert_is_the_feed(bed: dict, wave: np.ndarray) -> None:
    assert (bed["id"], bed["leads"][:2], bed["alerts"][0]["id"], bed["hr"]) == ("bed-1", ["I", "II"], "a1", 70)
    # Lead II of the made-up patient, whose beats swing by about a millivolt.
    assert 500 < wave.max() < 2500


async def test_by_zeromq_it_shows_what_the_daemon_publishes_and_gives_its_orders(tmp_path: Path):
    sink = ZeroMqSink(SinkSettings(endpoint=ANY_PORT, chunks=True))
    control = ControlSocket(ControlSettings(endpoint=ANY_PORT))
    await sink.start()
    await control.start()
    taken: list[pb.Control] = []

    async def daemon() -> None:
        async for request, reply in control.requests():
            taken.append(request)
            await reply(pb.ControlReply(accepted=True, text="Alerts acknowledged: 1.", effective_sample=50))

    answering = asyncio.create_task(daemon())
    sections = {"sink": SinkSettings(endpoint=sink.endpoint), "control": ControlSettings(endpoint=control.endpoint)}
    ours, token = settings(tmp_path, **sections)
    async with served(ours, token) as browser:
        showing = asyncio.create_task(shown(browser))
        await asyncio.sleep(0.5)  # PUB drops what is said before a subscriber is there
        sink.pass_on([message._replace(key=b"bed-1") for _, message in BED.messages()])
        for name, told in (("alert", alert()), ("vitals", vitals(heart_rate_bpm=70))):
            sink.send(-1, Outgoing("bed-1", name, *told))
        assert_is_the_feed(*await showing)
        async with browser.post("ward/orders", json=ORDER) as answer:
            assert (answer.status, (await answer.json())["text"]) == (200, "Alerts acknowledged: 1.")
        async with browser.get("health/ready") as answer:
            assert answer.status == 200
        await control.close()
        answering.cancel()
    assert [(order.actor, order.reason) for order in taken] == [("Nurse Joy (desk)", "seen")]
    (noted,) = (tmp_path / "audit.jsonl").read_text().splitlines()
    assert json.loads(noted)["source"] == "page"
    await sink.close()


async def test_it_explains_the_alerts_and_diagnoses_it_hears_of_where_that_is_set(tmp_path: Path):
    sink = ZeroMqSink(SinkSettings(endpoint=ANY_PORT, chunks=True))
    await sink.start()
    explanations = ExplanationSettings(enabled=True, diagnosis_threshold=0.5)
    sections = {"sink": SinkSettings(endpoint=sink.endpoint), "explanations": explanations}
    ours, token = settings(tmp_path, **sections)
    said = drawn_alert()
    async with served(ours, token) as browser:
        await asyncio.sleep(0.5)  # PUB drops what is said before a subscriber is there
        sink.send(-1, Outgoing(said.stream_id, "alert", *encode(said)))
        async with asyncio.timeout(60):
            asked = f"ward/strips/{said.alert_id}/explanation"
            while (answer := await browser.get(asked)).status != 200:  # noqa: ASYNC110 (as a page asks)
                await asyncio.sleep(0.2)
            assert (await answer.json())["score"] == "rhythm.vt"
            began_ns = time.time_ns() - 24 * 10**9
            sink.pass_on([begun_at(message, began_ns) for _, message in BED.messages()])
            while "bed-1" not in await pages(browser):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
            await asyncio.sleep(0.5)  # the rest of its signal
            stated = pb.Diagnosis(version=1, stream_id="bed-1", time_ns=began_ns + 22 * 10**9)
            stated.model = load_model().version
            stated.scores.add(name="CD", probability=0.8)
            sink.send(-1, Outgoing("bed-1", "diagnosis", *encode(stated)))
            while not (explained := (await pages(browser)).get("bed-1", {}).get("explained")):  # noqa: ASYNC110
                await asyncio.sleep(0.2)
        assert explained == {"CD": stated.time_ns // 10**6}
        number = 1 + (said.stream_id != "bed-1")
        answer = await browser.get(f"ward/beds/{number}/diagnosis/explanation?score=CD")
        document = await answer.json()
        assert document["leads"].keys() == {"I", "II", "V1", "III", "aVR", "aVL", "aVF"}
        assert document["to_s"] == pytest.approx(20.0, abs=0.3)
    await sink.close()


def begun_at(message: Message, began_ns: int) -> Message:
    """A message of BED as if it had begun then."""
    chunk = pb.Chunk.FromString(message.payload)
    chunk.start_time_ns += began_ns - START_NS
    return message._replace(key=b"bed-1", payload=chunk.SerializeToString())


async def test_an_order_that_no_daemon_answers_is_not_said_to_be_taken(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("ecgstream.web.order_way.REPLY_S", 0.3)
    sections = {
        "sink": SinkSettings(endpoint="tcp://127.0.0.1:1"),
        "control": ControlSettings(endpoint="tcp://127.0.0.1:1"),
    }
    ours, token = settings(tmp_path, **sections)
    async with served(ours, token) as browser, browser.post("ward/orders", json=ORDER) as answer:
        assert answer.status == 503
        assert "may or may not have been taken" in (await answer.json())["text"]


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


async def pages(browser: aiohttp.ClientSession) -> dict[str, dict]:
    """What each bed's page is made of."""
    async with browser.ws_connect("ward/live") as socket:
        await socket.receive_json()
        beds = (await socket.receive_json())["beds"]
    found = {}
    for bed in beds:
        async with browser.get(f"ward/beds/{bed['n']}") as answer:
            found[bed["id"]] = await answer.json()
    return found


def test_chunks_beside_results_are_for_zeromq_alone():
    with pytest.raises(ValueError, match="chunks is for kind zeromq"):
        SinkSettings(kind="kafka", chunks=True)
