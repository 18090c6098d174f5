"""Over real sockets: everything arrives, on time, as it was."""

import threading
import time

import numpy as np
import pytest
import zmq

from ecgstream.wire.codec import decode_chunk
from simulators import destinations
from simulators.destinations import NobodyListens, ZeroMqDestination
from simulators.faults import POISON, Faults
from simulators.player import Player
from simulators.programme import Part, play_parts
from simulators.script import episode

from .signals import patient

SECONDS = 1


@pytest.fixture
def wire():
    """A PULL socket and the player's PUSH."""
    with zmq.Context() as context, context.socket(zmq.PULL) as pull:
        pull.setsockopt(zmq.LINGER, 0)
        port = pull.bind_to_random_port("tcp://127.0.0.1")
        push = ZeroMqDestination(f"tcp://127.0.0.1:{port}", bind=False)
        push.wait_for_listener()
        yield pull, push
        push.close(0)


def ward(n: int, seconds: float = SECONDS) -> list[Part]:
    return [
        Part(f"bed-{i}", patient(episode("sinus", 0, 99), leads=("I", "II"), seed=i), seconds, {}) for i in range(n)
    ]


def received(pull: zmq.Socket, count: int) -> list[tuple[int, list[bytes]]]:
    out = []
    while len(out) < count and pull.poll(3000):
        out.append((time.time_ns(), pull.recv_multipart()))
    return out


@pytest.mark.parametrize("fmt", ["protobuf", "json"])
def test_every_chunk_arrives_as_it_was(wire, fmt):
    pull, push = wire
    start_ns = time.time_ns()
    sent = list(Player(push, fmt, None).play(play_parts(ward(3), start_ns, 0.25, Faults(), 0), start_ns))
    messages = [frames for _, frames in received(pull, 12)]
    assert [(s.stream_id, s.sequence) for s in sent] == [
        (frames[1].decode(), decode_chunk(frames[2], frames[0].decode()).sequence) for frames in messages
    ]
    assert all(frames[0] == f"application/vnd.ecgstream.chunk.v1+{fmt}".encode() for frames in messages)
    for i, part in enumerate(ward(3)):
        got = [decode_chunk(f[2], f[0].decode()).ecg.samples for f in messages if f[1] == f"bed-{i}".encode()]
        np.testing.assert_array_equal(np.concatenate(got, axis=1), part.feed.read(0, 250)[0].samples)


@pytest.mark.parametrize("speed", [1.0, 10.0])
def test_chunks_leave_when_due(wire, speed):
    pull, push = wire
    start_ns = time.time_ns()
    playing = Player(push, "protobuf", speed).play(play_parts(ward(2), start_ns, 0.25, Faults(), 0), start_ns)
    sent = []
    thread = threading.Thread(target=lambda: sent.extend(playing))
    thread.start()
    arrivals = received(pull, 8)
    thread.join()
    for (arrived_ns, frames), one in zip(arrivals, sent, strict=True):
        chunk = decode_chunk(frames[2], frames[0].decode())
        last_ns = chunk.start_ns + (chunk.ecg.samples.shape[1] - 1) * 4_000_000
        assert one.due_ns == pytest.approx(start_ns + (last_ns - start_ns) / speed, abs=1000)
        assert 0 <= arrived_ns - one.due_ns < 1_000_000_000
        assert 0 <= one.late_s < 0.2 and not one.dropped
    assert arrivals[-1][0] - start_ns >= 0.95 * SECONDS / speed * 1e9


def test_at_full_speed_a_slow_listener_holds_the_player_back_and_loses_nothing(wire, monkeypatch):
    pull, _ = wire
    monkeypatch.setattr(destinations, "HIGH_WATER_MARK", 2)
    push = ZeroMqDestination(pull.get(zmq.LAST_ENDPOINT).decode(), bind=False)
    push.wait_for_listener()
    due = play_parts(ward(1, 60), 0, 0.02, Faults(), 0)
    thread = threading.Thread(target=lambda: list(Player(push, "protobuf", None).play(due, 0)))
    thread.start()
    sequences = []
    while len(sequences) < 3000 and pull.poll(3000):
        if len(sequences) % 1000 == 0:
            time.sleep(0.1)
        frames = pull.recv_multipart()
        sequences.append(decode_chunk(frames[2], frames[0].decode()).sequence)
    thread.join()
    push.close(0)
    assert sequences == list(range(3000))


def test_live_what_nobody_takes_is_dropped_and_said_so(wire):
    pull, push = wire
    pull.close()
    time.sleep(0.2)
    start_ns = time.time_ns()
    sent = list(Player(push).play(play_parts(ward(1, 1), start_ns, 0.25, Faults(), 0), start_ns))
    assert [one.dropped for one in sent] == [True] * 4
    assert time.time_ns() - start_ns < 2_000_000_000


def test_poison_is_sent_as_it_is(wire):
    pull, push = wire
    due = play_parts(ward(1), 0, 0.5, Faults(poison_at=0.5), 0)
    sent = list(Player(push, "protobuf", None).play(due, 0))
    assert [frames[2] == POISON for _, frames in received(pull, 3)] == [False, True, False]
    assert [one.sequence for one in sent] == [0, -1, 1]


def test_a_subscriber_hears_a_bound_publisher():
    push = ZeroMqDestination("tcp://127.0.0.1:*", bind=True)
    with zmq.Context() as context, context.socket(zmq.SUB) as sub:
        sub.setsockopt(zmq.LINGER, 0)
        sub.connect(push.endpoint)
        sub.subscribe(b"")
        time.sleep(0.3)
        start_ns = time.time_ns()
        list(Player(push).play(play_parts(ward(1, 1), start_ns, 0.5, Faults(), 0), start_ns))
        assert len(received(sub, 2)) == 2
    push.close(0)


def test_an_absent_listener_is_told_of(monkeypatch):
    monkeypatch.setattr(destinations, "LISTENER_WAIT_S", 0.1)
    push = ZeroMqDestination("tcp://127.0.0.1:1", bind=False)
    with pytest.raises(NobodyListens, match=r"Nobody listened at tcp://127.0.0.1:1 .* start `ecgstream run`"):
        push.wait_for_listener()
    push.close(0)
