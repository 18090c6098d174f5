"""What leaves the daemon is also seen within it: by its own page, and by what explains alerts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .base import Published, Sink


class WatchedSink:
    """A ``Sink`` that shows ``onlookers`` what it hands on; one that looks must not wait."""

    def __init__(self, sink: Sink, onlookers: Sequence[Callable[[Published], None]]):
        self._sink, self._onlookers = sink, onlookers

    async def start(self) -> None:
        """Get ready to publish. Raises SettingsError when that is impossible."""
        await self._sink.start()

    def send(self, origin: int, outgoing: Published) -> None:
        """Hand on, then show."""
        self._sink.send(origin, outgoing)
        for look in self._onlookers:
            look(outgoing)

    async def confirm(self) -> None:
        """As the sink does."""
        await self._sink.confirm()

    async def close(self) -> None:
        """As the sink does."""
        await self._sink.close()
