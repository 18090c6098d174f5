"""How long the consumer group has not heard from us, by which a member that was frozen knows that it is out."""

from __future__ import annotations

import time
from typing import NamedTuple


class Instant(NamedTuple):
    """One moment on two clocks: the first is never set back, the second goes on while the machine is suspended."""

    monotonic_s: float
    wall_s: float

    @classmethod
    def now(cls) -> Instant:
        """This moment."""
        return cls(time.monotonic(), time.time())


class Lease:
    """Our hold on the partitions: the group gives them to others once it has not heard from us for the time-out.

    Lapsed, they may still be ours, as when the broker itself was away; ended, the group has said that they are not.
    """

    def __init__(self, session_timeout_s: float):
        self._session_timeout_s = session_timeout_s
        self._renewed: Instant | None = None
        self.ended = False

    def renew(self, asked: Instant) -> None:
        """The group has answered what we asked at this moment; its own count began no earlier."""
        self._renewed = asked
        self.ended = False

    def end(self) -> None:
        """The group has told us that we are no member any more."""
        self.ended = True

    def age_s(self) -> float:
        """Seconds since it was renewed, by whichever clock says more; infinite before the first time."""
        if self._renewed is None:
            return float("inf")
        now = Instant.now()
        return max(now.monotonic_s - self._renewed.monotonic_s, now.wall_s - self._renewed.wall_s)

    def lapsed(self) -> bool:
        """Whether others may have our partitions."""
        return self.age_s() > self._session_timeout_s
