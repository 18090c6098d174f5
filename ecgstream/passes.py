"""How many of the messages that wait go through compute together."""

from __future__ import annotations

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
    if messages and _is_one_pass(messages):
        return [list(messages)], []
    numbered: list[tuple[int, Message]] = []
    begun_ns: dict[int, int] = {}
    reached: dict[int, int] = {}
    for message in messages:
        number = 0
        if place := message.position:
            first_ns = begun_ns.setdefault(place.partition, place.log_ns)
            number = max(reached.get(place.partition, 0), int((place.log_ns - first_ns) / (PASS_S * 1e9)))
            reached[place.partition] = number
        numbered.append((number, message))
    last = min(reached.values(), default=0) if more else max(reached.values(), default=0)
    passes: dict[int, list[Message]] = {}
    for number, message in numbered:
        if number <= last:
            passes.setdefault(number, []).append(message)
    return [passes[number] for number in sorted(passes)], [message for number, message in numbered if number > last]


def _is_one_pass(messages: Sequence[Message]) -> bool:
    """Whether no partition has more than ``PASS_S`` of its log here, as is so unless much waits."""
    begun_ns: dict[int, int] = {}
    for message in messages:
        place = message.position
        if place and place.log_ns - begun_ns.setdefault(place.partition, place.log_ns) >= PASS_S * 1e9:
            return False
    return True
