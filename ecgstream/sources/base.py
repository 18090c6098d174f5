"""What every source does, so that the pipeline knows nothing of brokers and sockets."""

from __future__ import annotations

from typing import Protocol

from .message import Message


class Source(Protocol):
    """Hands over messages in the order they came. Not safe for several tasks at once."""

    async def start(self) -> None:
        """Begin to listen. Raises SettingsError when that is impossible."""
        ...

    async def receive(self, max_messages: int) -> list[Message]:
        """At least one message, at most ``max_messages``, as soon as one is there. Cancelling it loses no message."""
        ...

    def drain(self, max_messages: int) -> list[Message]:
        """What has already arrived, at most ``max_messages``, possibly nothing; never waits."""
        ...

    async def close(self) -> None:
        """Let go of everything; safe at any time and more than once."""
        ...
