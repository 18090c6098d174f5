"""``POST /orders``: orders over HTTP, in protobuf's own JSON mapping of ``Control``, from whoever has the token."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import uuid4

import structlog
from aiohttp import web

from .errors import DeliveryError, WireError
from .http_token import CHALLENGE, HttpToken
from .wire import ecgstream_pb2 as pb
from .wire.codec import content_type, decode_control, encode
from .wire.refusals import Refusal

MOST_BYTES = 64 * 1024

Take = Callable[[pb.Control, str], Awaitable[pb.ControlReply]]
log = structlog.get_logger()


class OrderEndpoint:
    """Answers 200 when an order was applied, 202 when it was passed on to the bed's owner, 409 when it was refused."""

    def __init__(self, token: HttpToken, take: Take, not_ready: Callable[[], list[str]]):
        self._token, self._take, self._not_ready = token, take, not_ready

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
        refused = self._token.refuses(request, "Orders")
        if refused is None:
            return None
        refusal = _refusal(*refused)
        if refusal.status == 401:
            refusal.headers.update(CHALLENGE)
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
