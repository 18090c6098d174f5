"""What a bridge tells its operator: /metrics and /health by HTTP, and to systemd that it is there and still works."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest

from .http_port import add_operators_pages, listen, tls_context
from .service_notice import ServiceNotice
from .settings import HttpSettings


class BridgeHealth:
    """A bridge is live as long as its event loop answers; it is ready from ``ready`` to ``stopping``, while ``faults``
    gives none."""

    def __init__(self, registry: CollectorRegistry, faults: Callable[[], list[str]]):
        self._registry, self._faults = registry, faults
        self._notice = ServiceNotice()
        self._state = "starting"
        self.port = 0

    @asynccontextmanager
    async def served(
        self, settings: HttpSettings, names: tuple[str, str] = ("http", "http.port")
    ) -> AsyncIterator[None]:
        """Listen while inside; ``names`` as for ``http_port.listen``. Raises SettingsError."""
        app = web.Application()
        add_operators_pages(app, lambda: generate_latest(self._registry), self)
        runner, self.port = await listen(app, settings, tls_context(settings), names)
        noticing = asyncio.create_task(self._notice.works_while_the_loop_turns())
        try:
            yield
        finally:
            noticing.cancel()
            await runner.cleanup()

    def ready(self) -> None:
        """It may be sent to."""
        self._state = ""
        self._notice.ready()

    def stopping(self) -> None:
        """It was told to stop."""
        self._state = "stopping"
        self._notice.stopping()

    def not_live(self) -> list[str]:
        """Nothing: where the event loop hangs, nobody answers this."""
        return []

    def not_ready(self) -> list[str]:
        """Why nothing should be sent here yet, or any more."""
        return [self._state] if self._state else self._faults()
