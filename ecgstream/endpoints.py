"""The HTTP port: /metrics, /health/live, /health/ready, /orders, what is held of /alerts/<id>/…, and the ward page."""

from __future__ import annotations

from dataclasses import dataclass, field

from aiohttp import web

from .http_port import Health, add_operators_pages, listen, tls_context
from .http_token import HttpToken
from .metrics import Metrics
from .model_endpoint import ModelEndpoint
from .order_endpoint import MOST_BYTES, OrderEndpoint
from .settings import HttpSettings
from .strip_endpoint import KINDS, StripEndpoint
from .web.page import WardPage


@dataclass
class Endpoints:
    """The server behind the HTTP port."""

    settings: HttpSettings
    metrics: Metrics
    health: Health
    token: HttpToken
    orders: OrderEndpoint
    strips: StripEndpoint
    page: WardPage | None = None
    models: ModelEndpoint | None = None
    port: int = 0
    _runner: web.AppRunner | None = field(default=None, repr=False)

    async def start(self) -> None:
        """Listen; ``port`` then holds the port in use. Raises SettingsError when the address is not to be had."""
        self.token.start()
        context = tls_context(self.settings)
        app = web.Application(client_max_size=MOST_BYTES)
        add_operators_pages(app, self.metrics.text, self.health)
        app.router.add_post("/orders", self.orders.handle)
        app.router.add_get(f"/alerts/{{alert_id}}/strip.{{kind:{'|'.join(KINDS)}}}", self.strips.handle)
        app.router.add_get("/alerts/{alert_id}/explanation.json", self.strips.explain)
        app.router.add_get("/diagnoses/explanation.json", self.strips.explain_diagnosis)
        if self.models:
            app.router.add_get("/models", self.models.show)
            app.router.add_post("/models/shadow", self.models.run_in_shadow)
            app.router.add_post("/models/swap", self.models.swap)
            app.router.add_post("/models/head", self.models.put_head)
            app.router.add_post("/models/head/remove", self.models.remove_head)
        if self.page:
            self.page.start()
            app.router.add_get("/", _to_ward)
            app.add_subapp("/ward", self.page.app())
        self._runner, self.port = await listen(app, self.settings, context)

    async def close(self) -> None:
        """Stop listening."""
        if self._runner:
            await self._runner.cleanup()


async def _to_ward(_: web.Request) -> web.Response:
    raise web.HTTPFound("/ward/")
