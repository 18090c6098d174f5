"""A message as any source hands it over."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Message:
    """Bytes nobody has looked into yet. An empty ``content_type`` marks a message that was not framed as it should be:
    the codec refuses it like any other it cannot read."""

    payload: bytes
    content_type: str
    arrived_ns: int  # by the injected clock
    position: object | None = None  # where the source goes on after a restart; None where it cannot
