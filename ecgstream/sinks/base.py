"""What every sink does, so that the pipeline knows nothing of brokers and sockets."""

from __future__ import annotations

from typing import Protocol


class Published(Protocol):
    """What is needed of a message on its way out."""

    stream_id: str
    name: str
    content_type: str
    payload: bytes


class Sink(Protocol):
    """Takes messages out. Not safe for several tasks at once."""

    async def start(self) -> None:
        """Get ready to publish. Raises SettingsError when that is impossible."""
        ...

    def send(self, origin: int, outgoing: Published) -> None:
        """Hand over, in order, what came of partition ``origin`` of the source's log (-1: of none); never waits."""
        ...

    async def confirm(self) -> None:
        """Return when all that was sent has safely arrived, where that can be known. DeliveryError, FencedError."""
        ...

    async def close(self) -> None:
        """Let go of everything; safe at any time and more than once."""
        ...
