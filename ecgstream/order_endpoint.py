"""``POST /orders``: orders over HTTP, in protobuf's own JSON mapping of ``Control``, from whoever has the token."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import uuid4

import structlog
from aiohttp import web

from .errors import DeliveryError, SettingsError, WireError
from .wire import ecgstream_pb2 as pb
from .wire.codec import content_type, decode_control, encode
from .wire.refusals import Refusal

LEAST_TOKEN = 16
"""Characters; a shorter token can be guessed."""
MOST_BYTES = 64 * 1024

Take = Callable[[pb.Control, str], Awaitable[pb.ControlReply]]
log = structlog.get_logger()


class OrderEndpoint:
    """Answers 200 when an order was applied, 202 when it was passed on to the bed's owner, 409 when it was refused."""

    def __init__(self, token_file: Path | None, take: Take, not_ready: Callable[[], list[str]]):
        self._token_file, self._take, self._not_ready = token_file, take, not_ready
        self._token: bytes | None = None

    def start(self) -> None:
        """Read the token. Raises SettingsError when it is not there, or too short to be a secret."""
        if self._token_file is None:
            return
        try:
            token = self._token_file.read_bytes().strip()
        except OSError as error:
            raise SettingsError(
                f"http.order_token_file: {self._token_file} cannot be read ({error.strerror}); mend the path."
            ) from error
        if len(token) < LEAST_TOKEN:
            raise SettingsError(
                f"http.order_token_file: the token must have at least {LEAST_TOKEN} characters; it has {len(token)}."
            )
        self._token = token

    async def handle(self, request: web.Request) -> web.Response:
        """One order."""
        if refusal := self._why_not_let_in(request):
            log.warning("order turned away", status=refusal.status, remote=request.remote)
            return refusal
        try:
            order = self._decoded(request.content_type, await request.read())
        except WireError as error:
            return _refusal(400, str(error))
        if faults := self._not_ready():
            return _refusal(503, f"No orders can be taken now: {'; '.join(faults)}.", order.request_id)
        try:
            reply = await self._take(order, "http")
        except DeliveryError as error:
            return _refusal(503, f"{error} The order may or may not have been taken; give it again.", order.request_id)
        reply.version, reply.request_id = 1, order.request_id
        return _answer(202 if reply.passed_on else 200 if reply.accepted else 409, reply)

    def _why_not_let_in(self, request: web.Request) -> web.Response | None:
        if self._token is None:
            return _refusal(403, "Orders over HTTP are switched off; set http.order_token_file.")
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), self._token):
            return None
        refusal = _refusal(401, "The header Authorization must be 'Bearer' and the token.")
        refusal.headers["WWW-Authenticate"] = "Bearer"
        return refusal

    def _decoded(self, kind: str, payload: bytes) -> pb.Control:
        """Raises WireError."""
        order = decode_control(payload, content_type(pb.Control(), "json") if kind == "application/json" else kind)
        if not order.actor:
            raise WireError(Refusal.BAD_ORDER, "The field actor must say who gives the order, for the audit log.")
        order.request_id = order.request_id or uuid4().hex
        return order


def _refusal(status: int, sentence: str, request_id: str = "") -> web.Response:
    return _answer(status, pb.ControlReply(version=1, request_id=request_id, text=sentence))


def _answer(status: int, reply: pb.ControlReply) -> web.Response:
    return web.Response(status=status, body=encode(reply, "json")[1], content_type="application/json")
