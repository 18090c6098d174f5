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
