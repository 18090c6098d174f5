"""What every destination does, and how it says that a message has not arrived."""

from __future__ import annotations

from typing import Protocol

from ..errors import EcgstreamError
from ..settings import FhirSettings, Pcd04Settings, WebhookSettings
from ..wire import ecgstream_pb2 as pb
from .queue import Entry


class Unreachable(EcgstreamError):
    """Not delivered, and no fault of the message: it is tried again for as long as it takes."""

    def __init__(self, reason: str, message: str):
        super().__init__(message)
        self.reason = reason
        """Short and fixed, for metrics: connect, closed, timeout, busy."""


class Refused(EcgstreamError):
    """The destination has read the message and does not want it."""

    def __init__(self, reason: str, message: str):
        super().__init__(message)
        self.reason = reason
        """Short and fixed, for metrics: AE, AR, CE, CR, or an HTTP status."""


class Receiver(Protocol):
    """One destination."""

    name: str
    idle_s: float
    """How often ``idle`` is to be called."""

    def trim(self, alert: pb.Alert) -> pb.Alert | None:
        """What of an alert it is told: a copy, perhaps without the strip, or None for nothing."""
        ...

    async def deliver(self, entry: Entry) -> None:
        """Return when the destination has confirmed. Raises Unreachable or Refused."""
        ...

    async def idle(self, standing: list[Entry]) -> bool:
        """Called every ``idle_s`` while nothing waits, with the alerts that stand; whether something was confirmed.

        Raises Unreachable or Refused.
        """
        ...

    async def close(self) -> None:
        """Say goodbye, if that is the custom, and let go."""
        ...


def priority_of(settings: Pcd04Settings | FhirSettings | WebhookSettings) -> int:
    """The least ``pb.Alert.Priority`` that the destination wants."""
    return pb.Alert.Priority.Value(settings.least_priority.upper())
