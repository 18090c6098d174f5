"""The HTTP port: /metrics, /health/live, /health/ready, /orders, what is held of /alerts/<id>/…, and the ward page."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import Protocol

from aiohttp import web

from .errors import SettingsError
from .http_token import HttpToken
from .metrics import Metrics
from .model_endpoint import ModelEndpoint
from .order_endpoint import MOST_BYTES, OrderEndpoint
from .settings import HttpSettings
from .strip_endpoint import KINDS, StripEndpoint
from .web.page import WardPage

CLOSE_S = 2.0
"""How long an answer under way may take when the daemon stops."""


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
    page: WardPage | None = None
    models: ModelEndpoint | None = None
    port: int = 0
    _runner: web.AppRunner | None = field(default=None, repr=False)

    async def start(self) -> None:
        """Listen; ``port`` then holds the port in use. Raises SettingsError when the address is not to be had."""
        self.token.start()
        context = tls_context(self.settings)
        app = web.Application(client_max_size=MOST_BYTES)
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/health/live", self._live)
        app.router.add_get("/health/ready", self._ready)
        app.router.add_post("/orders", self.orders.handle)
        app.router.add_get(f"/alerts/{{alert_id}}/strip.{{kind:{'|'.join(KINDS)}}}", self.strips.handle)
        app.router.add_get("/alerts/{alert_id}/explanation.json", self.strips.explain)
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

    async def _metrics(self, _: web.Request) -> web.Response:
        headers = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        return web.Response(body=self.metrics.text(), headers=headers)

    async def _live(self, _: web.Request) -> web.Response:
        return _answer(self.health.not_live())

    async def _ready(self, _: web.Request) -> web.Response:
        return _answer(self.health.not_ready())


async def listen(
    app: web.Application, settings: HttpSettings, context: ssl.SSLContext | None
) -> tuple[web.AppRunner, int]:
    """Serve an application; what to clean up at the end, and the port in use. Raises SettingsError."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=CLOSE_S)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.host, settings.port, ssl_context=context).start()
    except OSError as error:
        await runner.cleanup()
        address = f"{settings.host}:{settings.port}"
        raise SettingsError(f"http: cannot listen on {address} ({error.strerror}); set http.port.") from error
    return runner, runner.addresses[0][1]


def tls_context(settings: HttpSettings) -> ssl.SSLContext | None:
    """None where the port speaks no TLS. Raises SettingsError when certificate or key cannot be used."""
    if settings.tls_certificate_file is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(settings.tls_certificate_file, settings.tls_key_file)
    except OSError as error:
        files = f"{settings.tls_certificate_file} and {settings.tls_key_file}"
        raise SettingsError(
            f"http.tls_certificate_file and http.tls_key_file must hold a certificate and its key in PEM form; {files} "
            f"cannot be used ({getattr(error, 'reason', None) or error.strerror})."
        ) from error
    return context


async def _to_ward(_: web.Request) -> web.Response:
    raise web.HTTPFound("/ward/")


def _answer(faults: list[str]) -> web.Response:
    return web.json_response({"ok": not faults, "faults": faults}, status=503 if faults else 200)
