"""Alerts, diagnoses and vitals by ZeroMQ: a PUB socket, messages of three frames [content type, stream id, payload]."""

from __future__ import annotations

from collections.abc import Sequence

import zmq

from ..settings import SinkSettings
from ..wire.sockets import close_socket, open_socket

LINGER_S = 1.0
"""How long messages already published may still leave after closing."""


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

    async def publish(self, messages: Sequence[tuple[str, str, bytes]]) -> None:
        """Hand (stream id, content type, payload) to ZeroMQ, in order; PUB drops rather than waits."""
        for stream_id, content_type, payload in messages:
            self._socket.send_multipart([content_type.encode(), stream_id.encode(), payload])

    async def flush(self, timeout_s: float) -> None:
        """Nothing to wait for: ZeroMQ tells nobody what has left. ``close`` gives it a moment."""

    async def close(self) -> None:
        """Stop publishing, after what was published has left or a second has passed."""
        if self._socket is not None:
            await close_socket(self._socket, LINGER_S)
            self._socket = None
