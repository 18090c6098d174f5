"""What leaves the daemon is shown on its own page as well."""

from __future__ import annotations

from ..sinks.base import Published, Sink
from .board import Board


class ShownSink:
    """A ``Sink`` that shows what it hands on."""

    def __init__(self, sink: Sink, board: Board):
        self._sink, self._board = sink, board

    async def start(self) -> None:
        """Get ready to publish. Raises SettingsError when that is impossible."""
        await self._sink.start()

    def send(self, origin: int, outgoing: Published) -> None:
        """Hand on, and show; showing costs a parse and never waits."""
        self._sink.send(origin, outgoing)
        self._board.take(outgoing.content_type, outgoing.payload)

    async def confirm(self) -> None:
        """As the sink does."""
        await self._sink.confirm()

    async def close(self) -> None:
        """As the sink does."""
        await self._sink.close()
