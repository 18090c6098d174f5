"""Strips over HTTP, over a real socket: who sees them, and what they are told of those that are not held."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest

from ecgstream.alert_strips.recent import RecentStrips
from ecgstream.clock import ManualClock
from ecgstream.endpoints import Endpoints
from ecgstream.explainer import Explainer
from ecgstream.explanations.explained import Explained
from ecgstream.explanations.on_disk import Scored
from ecgstream.explanations.standing import Stated
from ecgstream.http_token import HttpToken
from ecgstream.metrics import Metrics
from ecgstream.order_endpoint import OrderEndpoint
from ecgstream.pipeline import Pipeline
from ecgstream.settings import DiagnosisSettings, ExplanationSettings, HttpSettings, Settings
from ecgstream.strip_endpoint import StripEndpoint
from ecgstream.wire import ecgstream_pb2 as pb
from ecgstream.wire.codec import decode

from .alert_strips.test_draw import alert
from .feed import START_NS, Bed
from .test_endpoints import Patient

TOKEN = "a token nobody guesses"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def strips(tmp_path: Path, request) -> StripEndpoint:
    """Holds the strip of the alert ``held``; without a token file where asked for."""
    path = tmp_path / "token"
    path.write_text(TOKEN)
    token, held = HttpToken(None if getattr(request, "param", "") else path), RecentStrips()
    held.keep("held", alert(2).SerializeToString())
    held.keep("cut-off", alert(2).SerializeToString()[:-3])
    return StripEndpoint(token, held)


@pytest.fixture
async def door(strips: StripEndpoint):
    """Base URL of a server of these strips."""
    patient = Patient()
    token = strips._token
    orders = OrderEndpoint(token, None, patient.not_ready)
    endpoints = Endpoints(HttpSettings(port=0), Metrics(), patient, token, orders, strips)
    await endpoints.start()
    yield f"http://127.0.0.1:{endpoints.port}/alerts/"
    await endpoints.close()


async def get(url: str, headers: dict | None = None) -> tuple[int, str, bytes]:
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers or {}) as answer:
        return answer.status, answer.content_type, await answer.read()


@pytest.mark.parametrize(
    ("kind", "content_type", "begins"), [("svg", "image/svg+xml", b"<?xml"), ("png", "image/png", b"\x89PNG")]
)
async def test_a_strip_that_is_held_is_drawn(door, kind, content_type, begins):
    status, of, picture = await get(f"{door}held/strip.{kind}", BEARER)
    assert (status, of) == (200, content_type) and picture.startswith(begins)
    if kind == "svg":
        assert b"icu/bed-7" in picture and b"onset" in picture


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}])
async def test_a_stranger_sees_nothing_not_even_which_alerts_there_are(door, headers):
    for name in ("held", "unknown"):
        status, _, said = await get(f"{door}{name}/strip.svg", headers)
        assert status == 401 and b"Bearer" in said and b"svg" not in said


@pytest.mark.parametrize("strips", ["no token"], indirect=True)
async def test_without_a_token_file_nobody_sees_any(door):
    status, _, said = await get(f"{door}held/strip.svg", BEARER)
    assert status == 403 and b"set http.order_token_file" in said


async def test_an_explanation_is_for_whoever_has_the_token_once_there_is_one(door, strips: StripEndpoint):
    assert (await get(f"{door}held/explanation.json"))[0] == 401
    status, _, said = await get(f"{door}held/explanation.json", BEARER)
    assert status == 404 and b"set explanations.enabled" in said
    strips.explainer = Explainer(ExplanationSettings(enabled=True), DiagnosisSettings(), 50, Metrics(), None)
    status, _, said = await get(f"{door}held/explanation.json", BEARER)
    assert status == 404 and b"high priority" in said
    strips.explainer.found.keep("held", b'{"score": "rhythm.vf"}')
    status, of, said = await get(f"{door}held/explanation.json", BEARER)
    assert (status, of) == (200, "application/json") and b"rhythm.vf" in said


async def test_so_is_that_of_a_diagnosis_by_bed_and_score(door, strips: StripEndpoint):
    asked = door.replace("/alerts/", "/diagnoses/explanation.json?stream_id=icu%2Fbed-7&score=LAO%2FLAE")
    assert (await get(asked))[0] == 401
    status, _, said = await get(asked, BEARER)
    assert status == 404 and b"set explanations.enabled" in said
    strips.explainer = Explainer(ExplanationSettings(enabled=True), DiagnosisSettings(), 50, Metrics(), None)
    stated = Stated("icu/bed-7", "MI", 0.6, 0, Scored("model@1", Path(), 0.5, False))
    strips.explainer.diagnoses.keep(Explained(stated, pb.Strip(), b'{"score": "MI"}'))
    status, _, said = await get(asked, BEARER)
    assert status == 404 and b"held of it: ['MI']" in said and b"explanations.diagnosis_threshold" in said
    status, of, said = await get(asked.replace("LAO%2FLAE", "MI"), BEARER)
    assert (status, of, said) == (200, "application/json", b'{"score": "MI"}')


async def test_one_that_is_not_held_is_said_to_be_so(door):
    status, _, said = await get(f"{door}gone/strip.svg", BEARER)
    assert status == 404 and b"No strip of the alert 'gone' is held" in said and b"(2 now)" in said
    status, _, _ = await get(f"{door}held/strip.pdf", BEARER)
    assert status == 404


async def test_one_that_cannot_be_drawn_is_told_without_the_patients_data(door):
    status, _, said = await get(f"{door}cut-off/strip.svg", BEARER)
    assert status == 500 and said == b"The strip could not be drawn; the log says why."


def test_the_pipeline_keeps_the_newest_strip_of_what_it_tells():
    pipeline = Pipeline(Settings(diagnosis={"enabled": False}), None, Metrics(), ManualClock(START_NS))
    out = [
        o
        for _, message in Bed("bed-1", cuts=tuple(range(250, 6000, 250))).messages()
        for o in pipeline.process([message])
    ]
    alerts = [decode(o.payload, o.content_type) for o in out if o.name == "alert"]
    newest = {one.alert_id: one for one in alerts if one.HasField("strip")}
    assert newest and len(pipeline.outputs.strips) == len(newest)
    assert {name: pipeline.outputs.strips.find(name) for name in newest} == {
        name: one.SerializeToString() for name, one in newest.items()
    }
