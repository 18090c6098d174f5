"""The control socket over real sockets, with both kinds of client."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import zmq

from ecgstream.errors import SettingsError
from ecgstream.settings import ControlSettings, CurveSettings
from ecgstream.sources.control import ControlSocket
from ecgstream.wire import ecgstream_pb2 as pb
from ecgstream.wire.codec import decode, encode

from ..wire.peers import key_pair, secure_client, server_settings

WAIT_S = 5.0
CURVE = server_settings()


def _request(number: int = 1, **order) -> pb.Control:
    order = order or {"acknowledge": pb.Acknowledge(alert_id="a")}
    return pb.Control(version=1, request_id=f"r{number}", stream_id="bed-1", actor="nurse", **order)


def _frames(request: pb.Control, fmt: str = "protobuf") -> list[bytes]:
    content_type, payload = encode(request, fmt)
    return [content_type.encode(), b"bed-1", payload]


async def _answer(client: zmq.Socket) -> pb.ControlReply:
    """The reply, fetched without standing in the way of the socket under test."""
    assert await asyncio.to_thread(client.poll, int(WAIT_S * 1000)), "no reply has come"
    content_type, stream_id, payload = client.recv_multipart()
    assert stream_id == b"bed-1" or not stream_id
    return decode(payload, content_type.decode())


async def _serve(control: ControlSocket, seen: list[pb.Control]) -> None:
    async for request, reply in control.requests():
        seen.append(request)
        await reply(pb.ControlReply(accepted=True, effective_sample=len(seen)))


async def _serving(settings: ControlSettings, seen: list[pb.Control]) -> tuple[ControlSocket, asyncio.Task[None]]:
    control = ControlSocket(settings)
    await control.start()
    return control, asyncio.create_task(_serve(control, seen))


@pytest.fixture
async def served() -> AsyncIterator[tuple[str, list[pb.Control]]]:
    """The endpoint of a running control socket, and the requests it has taken."""
    seen: list[pb.Control] = []
    control, serving = await _serving(ControlSettings(endpoint="tcp://127.0.0.1:*"), seen)
    yield control.endpoint, seen
    serving.cancel()
    await control.close()


@pytest.mark.parametrize("kind", [zmq.REQ, zmq.DEALER])
@pytest.mark.parametrize("fmt", ["protobuf", "json"])
async def test_a_request_is_taken_and_answered(peers, served, kind, fmt):
    endpoint, seen = served
    client = peers.socket(kind)
    client.connect(endpoint)
    for number in (1, 2, 3):
        client.send_multipart(_frames(_request(number), fmt))
        reply = await _answer(client)
        assert (reply.version, reply.request_id, reply.accepted) == (1, f"r{number}", True)
        assert reply.effective_sample == number
    assert seen == [_request(number) for number in (1, 2, 3)]


async def test_many_requests_in_flight_from_many_clients(peers, served):
    endpoint, seen = served
    clients = [peers.socket(zmq.DEALER) for _ in range(5)]
    for client in clients:
        client.connect(endpoint)
        for number in range(100):
            client.send_multipart(_frames(_request(number)))
    for client in clients:
        assert [(await _answer(client)).request_id for _ in range(100)] == [f"r{number}" for number in range(100)]
    assert len(seen) == 500


@pytest.mark.parametrize("kind", [zmq.REQ, zmq.DEALER])
async def test_a_request_that_breaks_a_rule_is_told_and_goes_no_further(peers, served, kind):
    endpoint, seen = served
    client = peers.socket(kind)
    client.connect(endpoint)
    client.send_multipart(_frames(_request(9, pause=pb.Pause(duration_s=float("inf")))))
    reply = await _answer(client)
    assert (reply.accepted, reply.request_id) == (False, "r9")
    assert reply.text == "The field duration_s must be a finite number; found inf."
    assert seen == []


@pytest.mark.parametrize("kind", [zmq.REQ, zmq.DEALER])
@pytest.mark.parametrize("frames", [[b"alone"], [b"two", b"frames"], [b"wrong/type", b"bed-1", b"{}"]])
async def test_what_is_no_request_is_answered_too(peers, served, kind, frames):
    endpoint, seen = served
    client = peers.socket(kind)
    client.connect(endpoint)
    client.send_multipart(frames)
    reply = await _answer(client)
    assert not reply.accepted and ("three frames" in reply.text or "'wrong/type'" in reply.text)
    client.send_multipart(_frames(_request()))
    assert (await _answer(client)).accepted
    assert len(seen) == 1


async def test_a_reply_given_while_another_request_arrives_does_not_hide_it(peers):
    control = ControlSocket(ControlSettings(endpoint="tcp://127.0.0.1:*"))
    await control.start()
    client = peers.socket(zmq.DEALER)
    client.connect(control.endpoint)
    requests = control.requests()
    client.send_multipart(_frames(_request(0)))
    _, reply = await asyncio.wait_for(anext(requests), WAIT_S)
    for number in range(1, 30):
        waiting = asyncio.ensure_future(anext(requests))
        await asyncio.sleep(0)
        client.send_multipart(_frames(_request(number)))
        client.poll(2)  # block the loop while it arrives, then let sending a reply swallow its sign
        await reply(pb.ControlReply(accepted=True))
        request, reply = await asyncio.wait_for(waiting, WAIT_S)
        assert request.request_id == f"r{number}"
    await requests.aclose()
    await control.close()


async def test_a_client_that_has_gone_does_no_harm(peers, served):
    endpoint, seen = served
    hasty = peers.socket(zmq.DEALER)
    hasty.connect(endpoint)
    hasty.send_multipart(_frames(_request(1)))
    hasty.close(linger=1000)
    patient = peers.socket(zmq.REQ)
    patient.connect(endpoint)
    patient.send_multipart(_frames(_request(2)))
    assert (await _answer(patient)).request_id == "r2"


async def test_curve_lets_in_who_knows_the_servers_key_and_nobody_else(peers):
    seen: list[pb.Control] = []
    control, serving = await _serving(ControlSettings(endpoint="tcp://127.0.0.1:*", curve=CURVE), seen)
    stranger = secure_client(peers.socket(zmq.DEALER), key_pair()[0])
    friend = secure_client(peers.socket(zmq.DEALER), CURVE.public_key)
    for client, number in ((stranger, 1), (friend, 2)):
        client.connect(control.endpoint)
        client.send_multipart(_frames(_request(number)))
    assert (await _answer(friend)).accepted
    await asyncio.sleep(0.3)
    assert [request.request_id for request in seen] == ["r2"]
    serving.cancel()
    await control.close()


async def test_switched_off_it_takes_nothing():
    control = ControlSocket(ControlSettings(endpoint=None))
    await control.start()
    assert [request async for request in control.requests()] == []
    await control.close()


async def test_settings_that_cannot_work_are_told_in_a_sentence():
    with pytest.raises(SettingsError, match="control: cannot listen on 'tcp://x'"):
        await ControlSocket(ControlSettings(endpoint="tcp://x")).start()
    curve = CurveSettings(public_key="k", secret_key="k")
    with pytest.raises(SettingsError, match="control.curve: a key is not 40 characters"):
        await ControlSocket(ControlSettings(curve=curve)).start()
