"""Sends what is due when it is due, over one ZeroMQ socket, by one clock for the whole ward."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

import zmq

from ecgstream.waveform import Chunk
from ecgstream.wire.codec import content_type, encode, encode_chunk

from .feed import NS, Due

Format = Literal["protobuf", "json"]
HIGH_WATER_MARK = 2_000
"""Messages that may wait in the socket."""
LISTENER_WAIT_S = 60.0


class NobodyListens(Exception):
    """No one took the first message in time."""


class Sent(NamedTuple):
    """What became of one thing that was due."""

    stream_id: str
    sequence: int  # -1 for what is not a chunk
    due_ns: int  # by the wall clock, when it should have been sent
    late_s: float  # how much later it was sent
    dropped: bool  # nobody could take it


def open_sender(endpoint: str, *, bind: bool) -> zmq.Socket:
    """PUSH that connects to the daemon's endpoint, or PUB that the daemon subscribes to, in a context of its own."""
    socket = zmq.Context().socket(zmq.PUB if bind else zmq.PUSH)
    socket.set_hwm(HIGH_WATER_MARK)
    # What nobody is there to take is not kept for later: a monitor keeps nothing either.
    socket.set(zmq.IMMEDIATE, 1)
    (socket.bind if bind else socket.connect)(endpoint)
    return socket


def wait_for_listener(socket: zmq.Socket) -> None:
    """Until someone is there to take messages; a PUB does not know and goes on. Raises NobodyListens after a minute."""
    if not socket.poll(round(LISTENER_WAIT_S * 1000), zmq.POLLOUT):
        endpoint = socket.get(zmq.LAST_ENDPOINT).rstrip(b"\0").decode()
        raise NobodyListens(
            f"Nobody listened at {endpoint} for {LISTENER_WAIT_S:.0f} s; "
            "start `ecgstream run`, or give --connect the endpoint of its source."
        )


class Player:
    """Sends frames [content type, stream id, payload].

    At speed 1 a socket that cannot take a message loses it, as a monitor would, and the others stay on time. At any
    other speed nothing is lost: the player waits. ``speed`` None does not wait for the clock at all.
    """

    def __init__(self, socket: zmq.Socket, fmt: Format = "protobuf", speed: float | None = 1.0):
        self._socket = socket
        self._format: Format = fmt
        self._speed = speed
        self._flags = zmq.NOBLOCK if speed == 1.0 else 0

    def play(self, due: Iterable[Due], start_ns: int) -> Iterator[Sent]:
        """Send all of ``due``, whose ``due_s`` count from ``start_ns``; tells of each once it is sent."""
        # The machine's clock may be stepped while we play; the pace must not.
        behind_ns = time.time_ns() - time.monotonic_ns()
        for item in due:
            frames = self._frames(item)
            due_ns = start_ns + round(item.due_s / (self._speed or 1.0) * NS)
            late_s = self._wait(due_ns - behind_ns)
            dropped = not self._send(frames)
            sequence = item.content.sequence if isinstance(item.content, Chunk) else -1
            yield Sent(item.stream_id, sequence, due_ns, late_s, dropped)

    def _frames(self, item: Due) -> list[bytes]:
        if isinstance(item.content, Chunk):
            kind, payload = encode(encode_chunk(item.content), self._format)
        else:
            kind, payload = content_type("chunk", self._format), item.content
        return [kind.encode(), item.stream_id.encode(), payload]

    def _wait(self, until_ns: int) -> float:
        """Sleep until then; how late it is, seconds."""
        if self._speed is None:
            return 0.0
        left_ns = until_ns - time.monotonic_ns()
        if left_ns > 0:
            time.sleep(left_ns / NS)
        return max(time.monotonic_ns() - until_ns, 0) / NS

    def _send(self, frames: list[bytes]) -> bool:
        try:
            self._socket.send_multipart(frames, self._flags)
        except zmq.Again:
            return False
        return True
