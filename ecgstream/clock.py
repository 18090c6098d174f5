"""The one injected clock: wall time live, standing still in replays so that nothing depends on the replay's speed."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """What staleness, latency metrics and deadlines are measured by."""

    def now_ns(self) -> int:
        """Nanoseconds since 1970, UTC."""
        ...


class WallClock:
    """The machine's clock."""

    def now_ns(self) -> int:
        """Nanoseconds since 1970, UTC."""
        return time.time_ns()


class ManualClock:
    """A clock that goes where it is told; for tests."""

    def __init__(self, now_ns: int = 0):
        self.now = now_ns

    def now_ns(self) -> int:
        """Nanoseconds since 1970, UTC."""
        return self.now
