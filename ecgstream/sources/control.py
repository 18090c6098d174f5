"""The control socket: people and hospital systems ask (acknowledge, pause, limits, association), ecgstream answers.

Frames as everywhere, [content type, stream id, payload], from a REQ or DEALER socket; the reply comes in the format
(protobuf or JSON) of the request.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import zmq

from ..errors import WireError
from ..settings import ControlSettings
from ..wire import ecgstream_pb2 as pb
from ..wire.codec import decode, decode_control, encode
from ..wire.sockets import Readiness, close_socket, open_socket

HIGH_WATER_MARK = 1_000
"""Requests held per client, and replies a client has not fetched."""
LINGER_S = 0.2
"""How long replies may still leave after closing."""

Reply = Callable[[pb.ControlReply], Awaitable[None]]


class ControlSocket:
    """A ZeroMQ ROUTER. Requests that break a rule are answered here, with the rule, and go no further."""

    def __init__(self, settings: ControlSettings):
        self._settings = settings
        self._socket: zmq.Socket | None = None
        self.endpoint: str | None = None
        """Once started: where it listens, port filled in; None when control is switched off."""

    async def start(self) -> None:
        """Bind, if an endpoint is set. Raises SettingsError when it cannot be used."""
        if self._settings.endpoint is None:
            return
        self._socket, (self.endpoint,) = open_socket(
            zmq.ROUTER,
            [self._settings.endpoint],
            bind=True,
            high_water_mark=HIGH_WATER_MARK,
            curve=self._settings.curve,
            section="control",
        )
        self._readiness = Readiness(self._socket)

    async def requests(self) -> AsyncIterator[tuple[pb.Control, Reply]]:
        """Valid requests as they come, each with the function to answer it by; ends at once when switched off."""
        while self._socket is not None:
            try:
                frames = self._socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                await self._readiness.wait()
                continue
            if (request := await self._valid(*_split(frames))) is not None:
                yield request

    async def close(self) -> None:
        """Stop listening; replies already given may still leave for a moment."""
        if self._socket is not None:
            socket, self._socket = self._socket, None
            await close_socket(socket, LINGER_S)

    async def _valid(self, envelope: list[bytes], request: list[bytes]) -> tuple[pb.Control, Reply] | None:
        content_type, payload = request[0].decode("latin-1"), request[2]
        request_id = _request_id(payload, content_type)

        async def reply(answer: pb.ControlReply) -> None:
            """Send the answer to whoever asked."""
            answer.version, answer.request_id = 1, request_id
            kind, body = encode(answer, "json" if content_type.endswith("+json") else "protobuf")
            # A client that has gone, or fetches nothing, loses its reply: ROUTER drops, it never blocks.
            if self._socket is not None:
                self._socket.send_multipart([*envelope, kind.encode(), request[1], body])
                self._readiness.wake()

        try:
            return decode_control(payload, content_type), reply
        except WireError as error:
            await reply(pb.ControlReply(accepted=False, text=str(error)))
            return None


def _split(frames: list[bytes]) -> tuple[list[bytes], list[bytes]]:
    """The way back (identities; REQ adds an empty frame), and the request's three frames, empty if malformed."""
    if len(frames) > 4 or (len(frames) == 4 and frames[1]):
        return frames[:-3], frames[-3:]
    return frames[: 2 if frames[1:2] == [b""] else 1], [b"", b"", b""]


def _request_id(payload: bytes, content_type: str) -> str:
    """The id of a request, also of one that will be refused, as far as it can be read."""
    try:
        return getattr(decode(payload, content_type), "request_id", "")
    except WireError:
        return ""
