"""Alerts, diagnoses and vitals by ZeroMQ: a PUB socket, messages of three frames [content type, stream id, payload]."""

from __future__ import annotations

from collections.abc import Iterable

import zmq

from ..settings import SinkSettings
from ..sources.message import Message
from ..wire.sockets import close_socket, open_socket
from .base import Published

LINGER_S = 1.0
"""How long messages already published may still leave after closing."""
_MORE = int(zmq.SNDMORE)
"""A plain number: flags as ``send_multipart`` puts them together cost more than the three frames."""


class ZeroMqSink:
    """A ``Sink`` over ZeroMQ. It confirms nothing: a subscriber that is absent, or too slow for its high-water mark,
    loses messages, and sees that only by the numbers in them."""

    def __init__(self, settings: SinkSettings):
        self._settings = settings
        self._socket: zmq.Socket | None = None
        self.endpoint: str | None = None
        """Once started: the endpoint, port filled in."""

    async def start(self) -> None:
        """Bind or connect. Raises SettingsError naming the endpoint or key that cannot be used."""
        settings = self._settings
        self._socket, (self.endpoint,) = open_socket(
            zmq.PUB,
            [settings.endpoint],
            bind=settings.bind,
            high_water_mark=settings.high_water_mark,
            curve=settings.curve,
            section="sink",
        )

    def send(self, origin: int, outgoing: Published) -> None:
        """Hand to ZeroMQ; PUB drops rather than waits."""
        self._send(outgoing.content_type.encode(), outgoing.stream_id.encode(), outgoing.payload)

    def pass_on(self, messages: Iterable[Message]) -> None:
        """Publish chunks as they came, for whoever draws them."""
        for message in messages:
            self._send(message.content_type.encode("latin-1"), message.key, message.payload)

    def _send(self, content_type: bytes, stream_id: bytes, payload: bytes) -> None:
        socket = self._socket
        socket.send(content_type, _MORE)
        socket.send(stream_id, _MORE)
        socket.send(payload)

    async def confirm(self) -> None:
        """Nothing to wait for: ZeroMQ tells nobody what has left. ``close`` gives it a moment."""

    async def close(self) -> None:
        """Stop publishing, after what was published has left or a second has passed."""
        if self._socket is not None:
            await close_socket(self._socket, LINGER_S)
            self._socket = None
