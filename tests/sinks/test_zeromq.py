"""The ZeroMQ sink over real sockets."""

import pytest
import zmq

from ecgstream.errors import SettingsError
from ecgstream.outputs import Outgoing
from ecgstream.settings import SinkSettings
from ecgstream.sinks.zeromq import ZeroMqSink

from ..wire.peers import Peers, key_pair, secure_client, server_settings

ANY_PORT = "tcp://127.0.0.1:*"
WAIT_MS = 5_000


async def _sink(**settings) -> ZeroMqSink:
    sink = ZeroMqSink(SinkSettings(**{"endpoint": ANY_PORT} | settings))
    await sink.start()
    return sink


def _subscriber(peers: Peers, topic: bytes = b"") -> zmq.Socket:
    socket = peers.socket(zmq.SUB)
    socket.subscribe(topic)
    return socket


async def _first(sink: ZeroMqSink, subscriber: zmq.Socket, wait_ms: int = WAIT_MS) -> list[bytes] | None:
    """The first message to come, of those published again and again while the subscription is on its way."""
    for _ in range(wait_ms // 20):
        sink.send(-1, Outgoing("bed-1", "vitals", "a/first", b"1"))
        sink.send(-1, Outgoing("bed-1", "alert", "b/second", b"2"))
        if subscriber.poll(20):
            return subscriber.recv_multipart()
    return None


async def test_subscribers_get_three_frames_in_order(peers):
    sink = await _sink()
    subscriber = _subscriber(peers)
    subscriber.connect(sink.endpoint)
    assert await _first(sink, subscriber) == [b"a/first", b"bed-1", b"1"]
    assert subscriber.recv_multipart() == [b"b/second", b"bed-1", b"2"]
    await sink.confirm()
    await sink.close()


async def test_a_subscriber_may_choose_by_content_type(peers):
    sink = await _sink()
    subscriber = _subscriber(peers, b"b/")
    subscriber.connect(sink.endpoint)
    assert await _first(sink, subscriber) == [b"b/second", b"bed-1", b"2"]
    await sink.close()


async def test_the_sink_may_connect(peers):
    subscriber = _subscriber(peers)
    port = subscriber.bind_to_random_port("tcp://127.0.0.1")
    sink = await _sink(endpoint=f"tcp://127.0.0.1:{port}", bind=False)
    assert await _first(sink, subscriber) == [b"a/first", b"bed-1", b"1"]
    await sink.close()


async def test_what_was_published_last_still_leaves_after_closing(peers):
    sink = await _sink()
    subscriber = _subscriber(peers)
    subscriber.connect(sink.endpoint)
    await _first(sink, subscriber)
    for _ in range(500):
        sink.send(-1, Outgoing("bed-1", "vitals", "x/last", bytes(1000)))
    await sink.close()
    last = 0
    while last < 500 and subscriber.poll(WAIT_MS):
        last += subscriber.recv_multipart()[0] == b"x/last"
    assert last == 500


async def test_publishing_to_nobody_neither_waits_nor_fails():
    sink = await _sink(high_water_mark=1)
    for _ in range(1000):
        sink.send(-1, Outgoing("bed-1", "vitals", "a/first", b"1"))
    await sink.close()


async def test_curve_lets_in_who_knows_the_servers_key_and_nobody_else(peers):
    curve = server_settings()
    sink = await _sink(curve=curve)
    stranger = secure_client(_subscriber(peers), key_pair()[0])
    friend = secure_client(_subscriber(peers), curve.public_key)
    stranger.connect(sink.endpoint)
    friend.connect(sink.endpoint)
    assert await _first(sink, friend) == [b"a/first", b"bed-1", b"1"]
    assert await _first(sink, stranger, wait_ms=400) is None
    await sink.close()


async def test_an_endpoint_that_cannot_work_is_told_in_a_sentence():
    with pytest.raises(SettingsError, match="sink: cannot listen on 'tcp://nowhere'"):
        await _sink(endpoint="tcp://nowhere")


async def test_closing_is_safe_before_the_start_and_twice():
    sink = ZeroMqSink(SinkSettings())
    await sink.close()
    sink = await _sink()
    await sink.close()
    await sink.close()
