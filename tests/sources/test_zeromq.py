"""The ZeroMQ source over real sockets."""

import asyncio
import contextlib

import pytest
import zmq

from ecgstream.errors import SettingsError, WireError
from ecgstream.settings import CurveSettings, SourceSettings
from ecgstream.sources.message import Message
from ecgstream.sources.zeromq import ZeroMqSource
from ecgstream.wire.codec import decode_chunk

from ..wire.peers import key_pair, secure_client, server_settings

ANY_PORT = "tcp://127.0.0.1:*"
WAIT_S = 5.0


def _clock_ns() -> int:
    return 42


async def _source(**settings) -> ZeroMqSource:
    source = ZeroMqSource(SourceSettings(**{"endpoints": (ANY_PORT,)} | settings), _clock_ns)
    await source.start()
    return source


async def _receive(source: ZeroMqSource, count: int) -> list[Message]:
    messages: list[Message] = []
    async with asyncio.timeout(WAIT_S):
        while len(messages) < count:
            messages += await source.receive(count - len(messages))
    return messages


def _frames(number: int) -> list[bytes]:
    return [b"content/type", b"bed-1", b"%d" % number]


async def test_pull_hands_over_every_message_in_order(peers):
    source = await _source()
    push = peers.socket(zmq.PUSH)
    push.connect(source.endpoints[0])
    for number in range(1000):
        push.send_multipart(_frames(number))
    messages = await _receive(source, 1000)
    keys = [_frames(number)[1] for number in range(1000)]
    assert messages == [Message(b"%d" % n, "content/type", 42, key=key) for n, key in enumerate(keys)]
    await source.close()


async def test_receive_gives_at_most_what_was_asked_for_and_drain_the_rest(peers):
    source = await _source()
    push = peers.socket(zmq.PUSH)
    push.connect(source.endpoints[0])
    for number in range(10):
        push.send_multipart(_frames(number))
    await _receive(source, 1)
    await asyncio.sleep(0.1)
    assert len(await source.receive(4)) == 4
    assert len(source.drain(100)) == 5
    assert source.drain(100) == []
    await source.close()


async def test_receive_waits_for_a_message_that_comes_later(peers):
    source = await _source()
    push = peers.socket(zmq.PUSH)
    push.connect(source.endpoints[0])
    for number in range(20):  # each one finds the source waiting
        receiving = asyncio.create_task(_receive(source, 1))
        await asyncio.sleep(0.01)
        assert not receiving.done()
        push.send_multipart(_frames(number))
        assert [message.payload for message in await receiving] == [b"%d" % number]
    await source.close()


async def test_a_cancelled_receive_loses_nothing(peers):
    source = await _source()
    push = peers.socket(zmq.PUSH)
    push.connect(source.endpoints[0])
    got: list[Message] = []
    for number in range(50):
        receiving = asyncio.create_task(source.receive(10))
        await asyncio.sleep(0)
        push.send_multipart(_frames(number))
        await asyncio.sleep(0.001 * (number % 3))
        receiving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            got += await receiving
    got += await _receive(source, 50 - len(got))
    assert [message.payload for message in got] == [b"%d" % number for number in range(50)]
    await source.close()


async def test_several_producers_on_several_endpoints(peers):
    source = await _source(endpoints=(ANY_PORT, ANY_PORT))
    for endpoint in source.endpoints * 2:
        push = peers.socket(zmq.PUSH)
        push.connect(endpoint)
        push.send_multipart(_frames(0))
    assert len(await _receive(source, 4)) == 4
    await source.close()


async def test_sub_connects_to_several_publishers(peers):
    publishers = [peers.socket(zmq.XPUB) for _ in range(2)]
    ports = [publisher.bind_to_random_port("tcp://127.0.0.1") for publisher in publishers]
    endpoints = tuple(f"tcp://127.0.0.1:{port}" for port in ports)
    source = await _source(socket="sub", bind=False, endpoints=endpoints)
    for publisher in publishers:
        assert publisher.poll(int(WAIT_S * 1000)), "the subscription has arrived"
        publisher.send_multipart([b"any/thing", b"bed-1", b"x"])
    assert [message.content_type for message in await _receive(source, 2)] == ["any/thing"] * 2
    await source.close()


@pytest.mark.parametrize("frames", [[b"alone"], [b"type", b"payload"], [b"type", b"id", b"payload", b"more"]])
async def test_a_malformed_message_arrives_as_one_that_the_codec_refuses(peers, frames):
    source = await _source()
    push = peers.socket(zmq.PUSH)
    push.connect(source.endpoints[0])
    push.send_multipart(frames)
    push.send_multipart(_frames(1))
    malformed, good = await _receive(source, 2)
    assert good.payload == b"1"
    with pytest.raises(WireError, match="three frames") as refusal:
        decode_chunk(malformed.payload, malformed.content_type)
    assert refusal.value.reason == "malformed"
    await source.close()


async def test_a_content_type_that_is_not_text_is_refused_by_the_codec(peers):
    source = await _source()
    push = peers.socket(zmq.PUSH)
    push.connect(source.endpoints[0])
    push.send_multipart([b"\xff\xfe", b"bed-1", b""])
    (message,) = await _receive(source, 1)
    with pytest.raises(WireError) as refusal:
        decode_chunk(message.payload, message.content_type)
    assert refusal.value.reason == "unknown_content_type"
    await source.close()


async def test_curve_lets_in_who_knows_the_servers_key_and_nobody_else(peers):
    curve = server_settings()
    source = await _source(curve=curve)
    stranger = secure_client(peers.socket(zmq.PUSH), key_pair()[0])
    plain = peers.socket(zmq.PUSH)
    friend = secure_client(peers.socket(zmq.PUSH), curve.public_key)
    for socket, number in ((stranger, 1), (plain, 2), (friend, 3)):
        socket.connect(source.endpoints[0])
        socket.send_multipart(_frames(number))
    assert [message.payload for message in await _receive(source, 1)] == [b"3"]
    await asyncio.sleep(0.3)  # time enough for the others, had they been let in
    assert source.drain(10) == []
    await source.close()


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"endpoints": ("nonsense",)}, "cannot listen on 'nonsense'"),
        ({"endpoints": ("carrier://pigeon",)}, "Protocol not supported"),
        ({"endpoints": ("tcp://192.0.2.1:5551",)}, "cannot listen on 'tcp://192.0.2.1:5551'"),
        ({"endpoints": ("tcp://127.0.0.1",), "bind": False}, "cannot connect to 'tcp://127.0.0.1'"),
        ({"curve": CurveSettings(public_key="short", secret_key="short")}, "40 characters of Z85"),
        ({"curve": server_settings(), "bind": False}, "source.curve.server_key"),
    ],
)
async def test_settings_that_cannot_work_are_told_in_a_sentence(settings, sentence):
    with pytest.raises(SettingsError, match=sentence):
        await _source(**settings)


async def test_an_endpoint_in_use_is_told_in_a_sentence():
    source = await _source()
    with pytest.raises(SettingsError, match="Address already in use"):
        await _source(endpoints=source.endpoints)
    await source.close()


async def test_closing_is_safe_before_the_start_and_twice():
    source = ZeroMqSource(SourceSettings(), _clock_ns)
    await source.close()
    source = await _source()
    await source.close()
    await source.close()
