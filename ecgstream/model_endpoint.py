"""``GET /models``: which model serves, which runs in its shadow. With the token: ``POST /models/shadow`` gives it one,
``POST /models/swap`` lets that serve, ``POST /models/head`` and ``/models/head/remove`` take heads into service and out
of it. A model is a daemon's, not a bed's: each daemon is asked by itself."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .errors import ModelError
from .http_token import CHALLENGE, HttpToken

if TYPE_CHECKING:
    from .model_orders import ModelOrders


class ModelOrder(BaseModel):
    """What is posted: a version (to swap), or the name of a candidate for the shadow or of a head, and by whom."""

    model_config = ConfigDict(extra="forbid")

    model: str = Field(min_length=1, max_length=200)
    actor: str = Field(min_length=1, max_length=200)


class ModelEndpoint:
    """Answers 200 when an order was carried out, 409 when it cannot be, with the reason."""

    def __init__(self, token: HttpToken, orders: ModelOrders, not_ready: Callable[[], list[str]]):
        self._token, self._orders, self._not_ready = token, orders, not_ready

    async def show(self, _: web.Request) -> web.Response:
        """Version by role; 503 before there are any."""
        if faults := self._not_ready():
            return _answer(503, f"Not ready: {'; '.join(faults)}.")
        return web.json_response(self._orders.roles())

    async def swap(self, request: web.Request) -> web.Response:
        """Let the shadow serve."""
        return await self._carry_out(request, self._orders.swap)

    async def run_in_shadow(self, request: web.Request) -> web.Response:
        """Give it a shadow."""
        return await self._carry_out(request, self._orders.run_in_shadow)

    async def put_head(self, request: web.Request) -> web.Response:
        """Take a head into service."""
        return await self._carry_out(request, self._orders.put_head)

    async def remove_head(self, request: web.Request) -> web.Response:
        """Take a head out of service."""
        return await self._carry_out(request, self._orders.remove_head)

    async def _carry_out(self, request: web.Request, order: Callable[[str, str], Awaitable[None]]) -> web.Response:
        if refused := self._token.refuses(request, "Orders"):
            return _answer(*refused, headers=CHALLENGE if refused[0] == 401 else None)
        try:
            given = ModelOrder.model_validate_json(await request.read())
        except ValidationError as error:
            faults = "; ".join(f"{'.'.join(map(str, each['loc'])) or 'body'}: {each['msg']}" for each in error.errors())
            return _answer(400, f'The body must be {{"model": "…", "actor": "…"}}; found {faults}.')
        if faults := self._not_ready():
            return _answer(503, f"Not ready: {'; '.join(faults)}.")
        try:
            await order(given.model, given.actor)
        except ModelError as error:
            return _answer(409, str(error))
        return web.json_response(self._orders.roles())


def _answer(status: int, text: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(
        status=status, text=json.dumps({"text": text}), content_type="application/json", headers=headers
    )
