"""How many of the messages that wait go through compute together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from .sources.message import Message

PASS_S = 2.5
"""Most of a partition's log in one pass, however far behind: what a bed says in a pass is one record."""


def in_passes(messages: Sequence[Message], more: bool = False) -> tuple[list[list[Message]], list[Message]]:
    """The messages, those of each partition in their order, in passes that hold ``PASS_S`` of every partition's log;
    and where ``more`` wait to be read, those of partitions that are ahead of the slowest, for later.

    So partitions go on side by side though a broker gives them out in pieces of equal size, be there one bed in them
    or ten: a pass over many beds costs each of them less.
    """
    numbers: list[int] = []
    begun_ns: dict[int, int] = {}
    reached: dict[int, int] = {}
    for message in messages:
        number = 0
        if place := message.position:
            since_ns = place.log_ns - begun_ns.setdefault(place.partition, place.log_ns)
            number = max(reached.get(place.partition, 0), int(since_ns / (PASS_S * 1e9)))
            reached[place.partition] = number
        numbers.append(number)
    last = min(reached.values(), default=0) if more else max(reached.values(), default=0)
    passes: defaultdict[int, list[Message]] = defaultdict(list)
    ahead: list[Message] = []
    for number, message in zip(numbers, messages, strict=True):
        (passes[number] if number <= last else ahead).append(message)
    return [passes[number] for number in sorted(passes)], ahead
