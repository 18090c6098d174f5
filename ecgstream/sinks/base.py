"""What every sink does, so that the pipeline knows nothing of brokers and sockets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Sink(Protocol):
    """Takes messages out. Not safe for several tasks at once."""

    async def start(self) -> None:
        """Get ready to publish. Raises SettingsError when that is impossible."""
        ...

    async def publish(self, messages: Sequence[tuple[str, str, bytes]]) -> None:
        """Publish (stream id, content type, payload), in order; returns once confirmed, where that exists."""
        ...

    async def flush(self, timeout_s: float) -> None:
        """Wait until nothing published is still on its way, at most ``timeout_s``."""
        ...

    async def close(self) -> None:
        """Let go of everything; safe at any time and more than once."""
        ...
