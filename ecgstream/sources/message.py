"""A message as any source hands it over."""

from __future__ import annotations

from typing import NamedTuple


class Position(NamedTuple):
    """Where in a log a message lies, and under which ownership of its partition it was read."""

    partition: int
    offset: int
    log_ns: int  # the log's own time of the message
    epoch: int  # counts this process's assignments; a message of an older one is not ours any more


class Message(NamedTuple):
    """Bytes nobody has looked into yet. An empty ``content_type`` marks a message that was not framed as it should be:
    the codec refuses it like any other it cannot read."""

    payload: bytes
    content_type: str
    arrived_ns: int  # by the injected clock
    position: Position | None = None  # None where there is no log to go back to
    key: bytes = b""

    @property
    def came_ns(self) -> int:
        """When it came to the log it was read from, so the same however often it is read; else when it came to us."""
        if self.position is None or self.position.log_ns <= 0:  # a log of before Kafka 0.10 tells no time
            return self.arrived_ns
        return self.position.log_ns
