"""``ecgstream web`` over real sockets; the test publishes what daemons publish and takes orders."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import pytest

from ecgstream.diagnosis.loader import load_model
from ecgstream.outputs import Outgoing
from ecgstream.settings import (
    ControlSettings,
    ExplanationSettings,
    SinkSettings,
)
from ecgstream.sinks.zeromq import ZeroMqSink
from ecgstream.sources.control import ControlSocket
from ecgstream.sources.message import Message
from ecgstream.wire import ecgstream_pb2 as pb
from ecgstream.wire.codec import encode

from .alert_strips.test_draw import alert as drawn_alert
from .feed import START_NS
from .web.messages import alert, vitals
from .web.process import BED, ORDER, assert_is_the_feed, pages, served, settings, shown

ANY_PORT = "tcp://127.0.0.1:*"


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
        async with browser.get("metrics") as answer:
            assert "ecgstream_model_available" not in await answer.text(), "an operator would be told that it is gone"
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


def test_chunks_beside_results_are_for_zeromq_alone():
    with pytest.raises(ValueError, match="chunks is for kind zeromq"):
        SinkSettings(kind="kafka", chunks=True)
