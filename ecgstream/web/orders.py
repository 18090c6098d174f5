"""Orders given on the page: who may give which, and that each has a name and a reason."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import uuid4

import structlog
from aiohttp import web

from ..errors import DeliveryError, WireError
from ..metrics import Metrics
from ..wire import ecgstream_pb2 as pb
from ..wire.codec import content_type, decode_control, encode
from ..wire.refusals import Refusal
from .access import Holder, Role

NEEDED = {
    "acknowledge": Role.ACKNOWLEDGE,
    "pause": Role.ACKNOWLEDGE,
    "alarm_switch": Role.CONFIGURE,
    "limits": Role.CONFIGURE,
    "preset": Role.CONFIGURE,
}
"""The orders the page gives, and the role each needs."""

Take = Callable[[pb.Control, str], Awaitable[pb.ControlReply]]
log = structlog.get_logger()


class PageOrders:
    """Answers as ``POST /orders`` does: 200 applied, 202 passed on, 409 refused; 403 where the role is too low."""

    def __init__(self, take: Take, not_ready: Callable[[], list[str]], metrics: Metrics):
        self._take, self._not_ready, self._metrics = take, not_ready, metrics

    async def handle(self, request: web.Request, holder: Holder) -> web.Response:
        """One order of whoever ``holder`` is."""
        try:
            order = _decoded(await request.read())
        except WireError as error:
            return _answer(400, str(error))
        name = order.WhichOneof("order")
        if name not in NEEDED or holder.role < NEEDED[name]:
            self._metrics.web_refused.labels("role").inc()
            log.warning("order turned away", order=name, holder=holder.name, role=holder.role.name.lower())
            needed = NEEDED.get(name)
            return _answer(
                403, f"This needs the role {needed.name.lower() if needed else 'of no page'}; sign in with it."
            )
        if faults := self._not_ready():
            return _answer(503, f"No orders can be taken now: {'; '.join(faults)}.")
        order.request_id = uuid4().hex
        if holder.name:
            order.actor = f"{order.actor} ({holder.name})"
        try:
            reply = await self._take(order, "page")
        except DeliveryError as error:
            return _answer(503, f"{error} The order may or may not have been taken; give it again.")
        reply.version, reply.request_id = 1, order.request_id
        return _reply(202 if reply.passed_on else 200 if reply.accepted else 409, reply)


def _decoded(payload: bytes) -> pb.Control:
    """Raises WireError."""
    order = decode_control(payload, content_type(pb.Control(), "json"))
    for what in ("actor", "reason"):
        if not getattr(order, what).strip():
            raise WireError(Refusal.BAD_ORDER, f"The field {what} must not be empty: it goes into the audit log.")
    return order


def _answer(status: int, sentence: str) -> web.Response:
    return _reply(status, pb.ControlReply(version=1, text=sentence))


def _reply(status: int, reply: pb.ControlReply) -> web.Response:
    return web.Response(status=status, body=encode(reply, "json")[1], content_type="application/json")
