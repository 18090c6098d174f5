"""Whether the brokers can be reached, asked again and again: for health, where nothing else would show it."""

from __future__ import annotations

import asyncio

from ..settings import KafkaSettings
from .client import why_unreachable

EVERY_S = 5.0


class BrokerSight:
    """``fault`` is why no broker can be reached, in a sentence; empty while one can."""

    def __init__(self, settings: KafkaSettings):
        self._settings = settings
        self.fault = "Kafka has not been reached yet."

    async def look(self) -> None:
        """Until cancelled."""
        while True:
            self.fault = await why_unreachable(self._settings) or ""
            await asyncio.sleep(EVERY_S)
