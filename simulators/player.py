"""Sends what is due when it is due, by one clock for the whole ward."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from ecgstream.waveform import Chunk
from ecgstream.wire.codec import content_type, encode, encode_chunk

from .destinations import Destination
from .feed import NS, Due

Format = Literal["protobuf", "json"]


class Sent(NamedTuple):
    """What became of one thing that was due."""

    stream_id: str
    sequence: int  # -1 for what is not a chunk
    due_ns: int  # by the wall clock, when it should have been sent
    late_s: float  # how much later it was sent
    dropped: bool  # nobody could take it


class Player:
    """Sends chunks with their content type and stream id.

    At speed 1 a message that cannot be taken is lost, as with a monitor, and the others stay on time. At any other
    speed nothing is lost: the player waits. ``speed`` None does not wait for the clock at all.
    """

    def __init__(self, destination: Destination, fmt: Format = "protobuf", speed: float | None = 1.0):
        self._destination = destination
        self._format: Format = fmt
        self._speed = speed

    def play(self, due: Iterable[Due], start_ns: int) -> Iterator[Sent]:
        """Send all of ``due``, whose ``due_s`` count from ``start_ns``; tells of each once it is sent."""
        # The machine's clock may be stepped while we play; the pace must not.
        behind_ns = time.time_ns() - time.monotonic_ns()
        for item in due:
            kind, payload = self._encoded(item)
            due_ns = start_ns + round(item.due_s / (self._speed or 1.0) * NS)
            late_s = self._wait(due_ns - behind_ns)
            dropped = not self._destination.send(kind, item.stream_id.encode(), payload, self._speed != 1.0)
            sequence = item.content.sequence if isinstance(item.content, Chunk) else -1
            yield Sent(item.stream_id, sequence, due_ns, late_s, dropped)

    def _encoded(self, item: Due) -> tuple[bytes, bytes]:
        if isinstance(item.content, Chunk):
            kind, payload = encode(encode_chunk(item.content), self._format)
        else:
            kind, payload = content_type("chunk", self._format), item.content
        return kind.encode(), payload

    def _wait(self, until_ns: int) -> float:
        """Sleep until then; how late it is, seconds."""
        if self._speed is None:
            return 0.0
        left_ns = until_ns - time.monotonic_ns()
        if left_ns > 0:
            time.sleep(left_ns / NS)
        return max(time.monotonic_ns() - until_ns, 0) / NS
