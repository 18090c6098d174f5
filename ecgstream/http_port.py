"""What the HTTP port of every process of ours has: TLS, /metrics, /health/live and /health/ready."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Protocol

from aiohttp import web

from .errors import SettingsError
from .settings import HttpSettings

CLOSE_S = 2.0
"""How long an answer under way may take when the process stops."""
_TEXT = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}


class Health(Protocol):
    """What the health endpoints ask: each gives the faults, none when all is well."""

    def not_live(self) -> list[str]:
        """Why the process should be restarted."""
        ...

    def not_ready(self) -> list[str]:
        """Why nothing should be sent here yet."""
        ...


def add_operators_pages(app: web.Application, metrics: Callable[[], bytes], health: Health) -> None:
    """Add /metrics (``metrics`` gives them in Prometheus' text format) and both of /health."""

    async def tell_metrics(_: web.Request) -> web.Response:
        return web.Response(body=metrics(), headers=_TEXT)

    async def tell_live(_: web.Request) -> web.Response:
        return _answer(health.not_live())

    async def tell_ready(_: web.Request) -> web.Response:
        return _answer(health.not_ready())

    app.router.add_get("/metrics", tell_metrics)
    app.router.add_get("/health/live", tell_live)
    app.router.add_get("/health/ready", tell_ready)


async def listen(
    app: web.Application,
    settings: HttpSettings,
    context: ssl.SSLContext | None,
    names: tuple[str, str] = ("http", "http.port"),
) -> tuple[web.AppRunner, int]:
    """Serve an application; what to clean up at the end, and the port in use. ``names`` of the section and the setting
    of the port, for the error. Raises SettingsError."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=CLOSE_S)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.host, settings.port, ssl_context=context).start()
    except OSError as error:
        await runner.cleanup()
        section, port = names
        address = f"{settings.host}:{settings.port}"
        raise SettingsError(f"{section}: cannot listen on {address} ({error.strerror}); set {port}.") from error
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


def _answer(faults: list[str]) -> web.Response:
    return web.json_response({"ok": not faults, "faults": faults}, status=503 if faults else 200)
