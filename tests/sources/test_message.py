"""When a message came, by whoever may know it."""

from __future__ import annotations

import pytest

from ecgstream.sources.message import Message, Position


@pytest.mark.parametrize(
    ("position", "came_ns"),
    [
        (None, 7),
        (Position(0, 1, 5, 1), 5),
        (Position(0, 1, -1_000_000, 1), 7),  # what Kafka says where a log tells no time
    ],
)
def test_a_message_came_when_its_log_says_or_else_when_it_arrived(position: Position | None, came_ns: int):
    assert Message(b"", "", 7, position).came_ns == came_ns
