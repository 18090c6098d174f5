"""Chunks by ZeroMQ: a PULL or SUB socket, messages of three frames [content type, stream id, payload]."""

from __future__ import annotations

from collections.abc import Callable

import zmq

from ..settings import SourceSettings
from ..wire.sockets import Readiness, close_socket, open_socket
from .message import Message

_KINDS = {"pull": zmq.PULL, "sub": zmq.SUB}


class ZeroMqSource:
    """A ``Source`` over ZeroMQ. There is no log to go back to: what was sent while nobody listened is a gap."""

    def __init__(self, settings: SourceSettings, clock_ns: Callable[[], int]):
        self._settings = settings
        self._clock_ns = clock_ns
        self._socket: zmq.Socket | None = None
        self.endpoints: tuple[str, ...] = ()
        """Once started: the endpoints, ports filled in."""

    async def start(self) -> None:
        """Bind or connect. Raises SettingsError naming the endpoint or key that cannot be used."""
        settings = self._settings
        self._socket, self.endpoints = open_socket(
            _KINDS[settings.socket],
            settings.endpoints,
            bind=settings.bind,
            high_water_mark=settings.high_water_mark,
            curve=settings.curve,
            section="source",
        )
        self._readiness = Readiness(self._socket)
        if settings.socket == "sub":
            # All content types, so that what is not a chunk is refused and counted instead of silently never arriving.
            self._socket.subscribe(b"")

    async def receive(self, max_messages: int) -> list[Message]:
        """At least one message, at most ``max_messages``, as soon as one is there. Cancelling it loses no message."""
        while not (messages := self.drain(max_messages)):
            await self._readiness.wait()
        return messages

    def drain(self, max_messages: int) -> list[Message]:
        """What has already arrived, at most ``max_messages``, possibly nothing; never waits."""
        arrived_ns = self._clock_ns()
        messages: list[Message] = []
        try:
            while len(messages) < max_messages:
                messages.append(_message(self._socket.recv_multipart(zmq.NOBLOCK), arrived_ns))
        except zmq.Again:
            pass
        return messages

    async def close(self) -> None:
        """Stop listening; what has arrived and was not received is dropped."""
        if self._socket is not None:
            await close_socket(self._socket, linger_s=0)
            self._socket = None


def _message(frames: list[bytes], arrived_ns: int) -> Message:
    if len(frames) != 3:
        return Message(b"", "", arrived_ns)
    # Latin-1 reads any bytes; a content type that is not ASCII is refused later as unknown.
    return Message(frames[2], frames[0].decode("latin-1"), arrived_ns, key=frames[1])
