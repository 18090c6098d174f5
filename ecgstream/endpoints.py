"""The HTTP port: /metrics, /health/live, /health/ready, /orders, /alerts/<id>/strip.svg."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from aiohttp import web

from .errors import SettingsError
from .http_token import HttpToken
from .metrics import Metrics
from .order_endpoint import MOST_BYTES, OrderEndpoint
from .settings import HttpSettings
from .strip_endpoint import KINDS, StripEndpoint


class Health(Protocol):
    """What the health endpoints ask: each gives the faults, none when all is well."""

    def not_live(self) -> list[str]:
        """Why the process should be restarted."""
        ...

    def not_ready(self) -> list[str]:
        """Why no chunks should be sent here yet."""
        ...


@dataclass
class Endpoints:
    """The server behind the HTTP port."""

    settings: HttpSettings
    metrics: Metrics
    health: Health
    token: HttpToken
    orders: OrderEndpoint
    strips: StripEndpoint
    port: int = 0
    _runner: web.AppRunner | None = field(default=None, repr=False)

    async def start(self) -> None:
        """Listen; ``port`` then holds the port in use. Raises SettingsError when the address is not to be had."""
        self.token.start()
        app = web.Application(client_max_size=MOST_BYTES)
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/health/live", self._live)
        app.router.add_get("/health/ready", self._ready)
        app.router.add_post("/orders", self.orders.handle)
        app.router.add_get(f"/alerts/{{alert_id}}/strip.{{kind:{'|'.join(KINDS)}}}", self.strips.handle)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self.settings.host, self.settings.port)
        try:
            await site.start()
        except OSError as error:
            await self._runner.cleanup()
            address = f"{self.settings.host}:{self.settings.port}"
            raise SettingsError(f"http: cannot listen on {address} ({error.strerror}); set http.port.") from error
        self.port = self._runner.addresses[0][1]

    async def close(self) -> None:
        """Stop listening."""
        if self._runner:
            await self._runner.cleanup()

    async def _metrics(self, _: web.Request) -> web.Response:
        headers = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        return web.Response(body=self.metrics.text(), headers=headers)

    async def _live(self, _: web.Request) -> web.Response:
        return _answer(self.health.not_live())

    async def _ready(self, _: web.Request) -> web.Response:
        return _answer(self.health.not_ready())


def _answer(faults: list[str]) -> web.Response:
    return web.json_response({"ok": not faults, "faults": faults}, status=503 if faults else 200)
