"""The page over a real HTTP port: what a browser gets."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import aiohttp
import numpy as np
import pytest

from ecgstream.explanations.explained import Explained
from ecgstream.explanations.on_disk import Scored
from ecgstream.explanations.standing import Stated
from ecgstream.waveform import STANDARD_LEADS
from ecgstream.web.waves import Wave
from ecgstream.wire import ecgstream_pb2 as pb

from .messages import STRIP, alert, vitals
from .served import Ward


async def test_nothing_from_elsewhere_may_run_on_the_page():
    async with Ward().served() as browser, browser.get("") as answer:
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'self'")
        assert "ecgstream" in await answer.text()


async def test_a_browser_gets_alarms_of_all_beds_and_signal_of_those_it_shows():
    ward = Ward()
    ward.board.take(*alert("bed-1"))
    ward.board.take(*vitals("bed-2", heart_rate_bpm=70))
    ward.board.take_waves([Wave("bed-2", 0, ("I", "II"), np.arange(100, dtype=np.int16).reshape(2, 50))])
    async with ward.served() as browser, browser.ws_connect("live") as socket:
        assert (await socket.receive_json())["hello"]["role"] == "view"
        news = await socket.receive_json()
        assert [(bed["id"], len(bed["alerts"])) for bed in news["beds"]] == [("bed-1", 1), ("bed-2", 0)]
        assert news["vitals"] == []
        await socket.send_json({"show": [{"n": 2}]})
        assert (await socket.receive_json())["vitals"][0]["hr"] == 70
        data = await socket.receive_bytes()
        assert (data[0], int.from_bytes(data[2:4], "little"), int.from_bytes(data[4:6], "little")) == (1, 1, 2)
        assert np.frombuffer(data, "<i2", 50, 16).tolist() == list(range(50, 100))  # lead II
        ward.board.take(*alert("bed-2", "a2"))
        assert (await socket.receive_json())["beds"][0]["alerts"][0]["id"] == "a2"


async def test_a_browser_hears_from_us_though_no_bed_has_anything_to_say():
    """Or it would say that there is no connection, after 3 s."""
    async with Ward().served() as browser, browser.ws_connect("live") as socket:
        await socket.receive_json()
        for _ in range(3):
            word = await asyncio.wait_for(socket.receive_json(), 2.5)
            assert (word["beds"], word["vitals"], word["gone"]) == ([], [], [])


@pytest.mark.parametrize("text", ["no json", '{"show": [{"n": -1}]}', json.dumps({"show": [{"n": 1}] * 513})])
async def test_a_browser_that_asks_for_nonsense_is_let_go_of(text):
    ward = Ward()
    async with ward.served() as browser, browser.ws_connect("live") as socket:
        await socket.receive_json()
        await socket.send_str(text)
        assert (await asyncio.wait_for(socket.receive(), 5)).type is not aiohttp.WSMsgType.TEXT
    assert ward.refused("bad_request") == 1


async def test_only_so_many_browsers_are_served():
    ward = Ward(most_pages=1)
    async with ward.served() as browser, browser.ws_connect("live"), browser.get("live") as answer:
        assert answer.status == 503


async def test_a_slow_browser_costs_no_memory_and_gets_the_newest_in_the_end():
    """It stops reading; meanwhile two minutes of twelve leads come. It is sent the newest seconds, and no more."""
    ward = Ward()
    wave = np.ones((12, 50), np.int16)
    async with ward.served() as browser, browser.ws_connect("live") as socket:
        ward.board.take_waves([Wave(f"bed-{n}", 0, STANDARD_LEADS, wave) for n in range(40)])
        await socket.send_json({"show": [{"n": n + 1, "leads": STANDARD_LEADS} for n in range(40)]})
        socket._conn.protocol.pause_reading()
        for hop in range(1, 600):
            ward.board.take_waves([Wave(f"bed-{n}", 50 * hop, STANDARD_LEADS, wave) for n in range(40)])
            if hop % 10 == 0:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.3)
        socket._conn.protocol.resume_reading()
        got = 0
        async with asyncio.timeout(20):
            while got < 600 * 50:  # the number of the sample that comes next, of the first lead sent
                message = await socket.receive()
                if message.type is aiohttp.WSMsgType.BINARY:
                    first, n = (int.from_bytes(message.data[k : k + w], "little") for k, w in ((8, 4), (12, 2)))
                    got = first + n
                    assert len(message.data) <= 4 + 480 * (12 + 2 * 3000)
    assert ward.metrics.registry.get_sample_value("ecgstream_web_updates_dropped_total") > 0


async def test_a_strip_is_sent_in_microvolts(tokens):
    ward = Ward()
    ward.board.take(*alert(strip=STRIP))
    async with ward.served() as browser:
        async with browser.get("strips/a1") as answer:
            data = await answer.read()
        n = int.from_bytes(data[:4], "little")
        about = json.loads(data[4 : 4 + n])
        assert (about["leads"], about["fsHz"], about["onset"], about["n"]) == (["II"], 250.0, 1, 2)
        assert np.frombuffer(data, "<i2", 2, 4 + n).tolist() == [500, -32768]
        async with browser.get("strips/unknown") as answer:
            assert answer.status == 404


async def test_an_explanation_is_sent_where_there_is_one():
    ward = Ward()
    async with ward.served() as browser:
        async with browser.get("strips/a1/explanation") as answer:
            assert answer.status == 204
        ward.explainer.found.keep("a1", b'{"score": "rhythm.vf"}')
        async with browser.get("strips/a1/explanation") as answer:
            assert await answer.json() == {"score": "rhythm.vf"}
        async with browser.get("strips/a2/explanation") as answer:
            assert answer.status == 204


async def test_an_explained_diagnosis_is_on_its_beds_page_with_its_signal():
    ward = Ward()
    ward.board.take(*vitals())
    asked = "beds/1/diagnosis/{}?score=LAO%2FLAE"
    async with ward.served() as browser:
        async with browser.get("beds/1") as answer:
            assert (await answer.json())["explained"] == {}
        async with browser.get(asked.format("strip")) as answer:
            assert answer.status == 404
        stated = Stated("bed-1", "LAO/LAE", 0.6, 7 * 10**9, Scored("model@1", Path(), 0.5, False))
        ward.explainer.diagnoses.keep(Explained(stated, STRIP, b'{"score": "LAO/LAE"}'))
        async with browser.get("beds/1") as answer:
            assert (await answer.json())["explained"] == {"LAO/LAE": 7000}
        async with browser.get(asked.format("explanation")) as answer:
            assert await answer.json() == {"score": "LAO/LAE"}
        async with browser.get(asked.format("strip")) as answer:
            data = await answer.read()
        n = int.from_bytes(data[:4], "little")
        assert np.frombuffer(data, "<i2", 2, 4 + n).tolist() == [500, -32768]
        async with browser.get(asked.format("strip").replace("/1/", "/2/")) as answer:
            assert answer.status == 404


async def test_a_beds_own_page_gets_its_day_and_its_past():
    ward = Ward()
    ward.board.take(*alert(state=pb.Alert.ENDED))
    async with ward.served() as browser:
        async with browser.get("beds/1") as answer:
            document = await answer.json()
        assert [a["id"] for a in document["alerts"]] == ["a1"] and len(document["trends"]["mean"]) == 1440
        async with browser.get("beds/77") as answer:
            assert answer.status == 404
