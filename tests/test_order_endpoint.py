"""Orders over HTTP, over a real socket: who is let in, and what each order is answered."""

from __future__ import annotations

import json
from pathlib import Path

import aiohttp
import pytest
from structlog.testing import capture_logs

from ecgstream.alert_strips.recent import RecentStrips
from ecgstream.endpoints import Endpoints
from ecgstream.errors import DeliveryError, SettingsError
from ecgstream.http_token import HttpToken
from ecgstream.metrics import Metrics
from ecgstream.order_endpoint import OrderEndpoint
from ecgstream.settings import HttpSettings
from ecgstream.strip_endpoint import StripEndpoint
from ecgstream.wire import ecgstream_pb2 as pb

TOKEN = "a token nobody guesses"
ORDER = {"requestId": "r1", "streamId": "bed-1", "actor": "nurse 7", "acknowledge": {}}
BEARER = {"Authorization": f"Bearer {TOKEN}"}


class Door:
    """An order endpoint behind a server; a test says what becomes of the orders."""

    def __init__(self):
        self.taken: list[tuple[pb.Control, str]] = []
        self.answer: pb.ControlReply | Exception = pb.ControlReply(accepted=True, text="Done.", effective_sample=50)
        self.faults: list[str] = []

    async def take(self, order: pb.Control, source: str) -> pb.ControlReply:
        self.taken.append((order, source))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def not_ready(self) -> list[str]:
        return self.faults

    not_live = not_ready

    async def post(self, order: dict | bytes, headers: dict, kind: str = "application/json") -> tuple[int, dict]:
        body = order if isinstance(order, bytes) else json.dumps(order).encode()
        url = f"http://127.0.0.1:{self.endpoints.port}/orders"
        async with (
            aiohttp.ClientSession() as session,
            session.post(url, data=body, headers=headers | {"Content-Type": kind}) as answer,
        ):
            return answer.status, await answer.json()

    async def open(self, token_file: Path | None) -> None:
        token = HttpToken(token_file)
        orders, strips = OrderEndpoint(token, self.take, self.not_ready), StripEndpoint(token, RecentStrips())
        self.endpoints = Endpoints(HttpSettings(port=0), Metrics(), self, token, orders, strips)
        await self.endpoints.start()


@pytest.fixture
async def door(tmp_path: Path, request):
    token_file = tmp_path / "token"
    token_file.write_text(TOKEN + "\n")
    door = Door()
    await door.open(None if getattr(request, "param", "") == "no token" else token_file)
    yield door
    await door.endpoints.close()


@pytest.mark.parametrize("door", ["no token"], indirect=True)
async def test_without_a_token_file_nobody_may_order(door):
    status, reply = await door.post(ORDER, BEARER)
    assert status == 403 and "set http.order_token_file" in reply["text"]
    assert not door.taken


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}])
async def test_a_stranger_is_turned_away_and_that_is_logged_without_the_token(door, headers):
    with capture_logs() as logs:
        status, reply = await door.post(ORDER, headers)
    assert status == 401 and not reply.get("accepted")
    assert not door.taken
    (entry,) = [entry for entry in logs if entry["event"] == "order turned away"]
    assert entry["status"] == 401 and "wrong" not in str(entry) and TOKEN not in str(entry)


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (pb.ControlReply(accepted=True, effective_sample=50), 200),
        (pb.ControlReply(accepted=True, passed_on=True), 202),
        (pb.ControlReply(text="No stream 'bed-1' is known here."), 409),
        (DeliveryError("Kafka has not confirmed 1 messages."), 503),
    ],
)
async def test_the_status_says_what_became_of_the_order(door, answer, status):
    door.answer = answer
    found, reply = await door.post(ORDER, BEARER)
    assert (found, reply["requestId"]) == (status, "r1")
    assert reply.get("accepted", False) == (status < 300)
    ((order, source),) = door.taken
    assert (order.stream_id, order.actor, order.WhichOneof("order"), source) == (
        "bed-1",
        "nurse 7",
        "acknowledge",
        "http",
    )


async def test_a_request_without_an_id_is_given_one(door):
    _, reply = await door.post({name: value for name, value in ORDER.items() if name != "requestId"}, BEARER)
    assert len(reply["requestId"]) == 32 and door.taken[0][0].request_id == reply["requestId"]


@pytest.mark.parametrize(
    ("order", "says"),
    [
        (b"no json", "JSON"),
        ({"streamId": "bed-1", "actor": "nurse 7"}, "holds no order"),
        ({"streamId": "bed-1", "acknowledge": {}}, "actor must say who"),
        ({"streamId": "", "actor": "nurse 7", "acknowledge": {}}, "stream id"),
    ],
)
async def test_what_is_no_order_is_told_its_fault(door, order, says):
    status, reply = await door.post(order, BEARER)
    assert status == 400 and says in reply["text"]
    assert not door.taken


async def test_another_kind_of_content_is_told_so(door):
    status, reply = await door.post(ORDER, BEARER, "text/plain")
    assert status == 400 and "text/plain" in reply["text"]


async def test_a_daemon_that_is_starting_takes_no_orders(door):
    door.faults = ["starting"]
    status, reply = await door.post(ORDER, BEARER)
    assert status == 503 and "starting" in reply["text"] and not door.taken


@pytest.mark.parametrize(("content", "says"), [(None, "cannot be read"), ("short", "at least 16 characters; it has 5")])
async def test_a_token_file_that_is_no_secret_is_said_at_start(tmp_path: Path, content, says):
    token_file = tmp_path / "token"
    if content:
        token_file.write_text(content)
    with pytest.raises(SettingsError, match=says):
        await Door().open(token_file)
