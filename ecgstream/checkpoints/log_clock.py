"""How much of a log lies between two messages, in time."""

from __future__ import annotations

from ..sources.message import Position

LONGEST_STEP_NS = 2_000_000_000


class LogClock:
    """The log's own time by partition, but that a stretch without messages counts for ``LONGEST_STEP_NS`` at most.

    Nothing has to be read of the minutes in which a broker was away, so they make no bed's past older. From message to
    message it goes on alike for whoever reads them: a new owner takes it up where its reading begins.
    """

    def __init__(self) -> None:
        self._now_ns: dict[int, int] = {}
        self._read_ns: dict[int, int] = {}  # the log's time of the newest message
        self._begins: dict[int, int] = {}  # offset at which it was taken up

    def now_ns(self, partition: int) -> int:
        """Where it stands; 0 before the first message."""
        return self._now_ns.get(partition, 0)

    def note(self, position: Position) -> None:
        """A message has been read."""
        partition, offset, log_ns, _ = position
        if offset < self._begins.get(partition, 0):
            return
        read_ns = self._read_ns.get(partition)
        if read_ns is None:
            self._now_ns.setdefault(partition, log_ns)
        elif log_ns > read_ns:
            self._now_ns[partition] += min(log_ns - read_ns, LONGEST_STEP_NS)
        self._read_ns[partition] = max(log_ns, read_ns or 0)

    def take_up(self, partition: int, offset: int, now_ns: int) -> None:
        """It stood there when the message at ``offset`` was read, which will be read again."""
        self.forget(partition)
        self._begins[partition], self._now_ns[partition] = offset, now_ns

    def forget(self, partition: int) -> None:
        """The partition is another's."""
        for table in (self._now_ns, self._read_ns, self._begins):
            table.pop(partition, None)
