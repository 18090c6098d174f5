"""Messages to places in the arena: many are read and copied together; the unusual are handed back one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from google.protobuf.message import DecodeError

from .errors import WireError
from .intake import Intake
from .sources.message import Message
from .wire.layouts import layout_of
from .wire.plain import Plain, read_plain

AT_ONCE = 32
"""Messages read at once: few enough to stay in the processor's cache until they are copied."""


def in_parts(messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
    """The messages in their order, ``AT_ONCE`` at a time."""
    for start in range(0, len(messages), AT_ONCE):
        yield messages[start : start + AT_ONCE]


def read(messages: Sequence[Message]) -> Plain:
    """The messages' bytes in one array, and what is found there."""
    return read_plain([message.payload for message in messages], [message.content_type for message in messages])


def take_in(
    intake: Intake, messages: Sequence[Message], plain: Plain, is_wanted: Callable[[str, Message], bool]
) -> Iterator[tuple[Message, bool]]:
    """Put the chunks in the arena; the messages for which that takes more, in their turn: each must have been dealt
    with before the next is asked for. Beside each, whether it is known to be wanted already."""
    row_of, usual = intake.row_of_bytes, intake.usual
    waiting: dict[int, int] = {}  # by row: the number of the message that waits to be taken in with others
    for number, (message, names) in enumerate(zip(messages, plain.names, strict=True)):
        row = row_of.get(names[0]) if names else None
        if row is None or usual[row] != names[1] or row in waiting:
            yield from _left_over(intake, messages, plain, waiting)
            waiting.clear()
        if row is None or usual[row] != names[1]:
            yield message, False
            _learn(intake, names)
        elif is_wanted(intake.stream_id(row), message):
            waiting[row] = number
    yield from _left_over(intake, messages, plain, waiting)


def _left_over(
    intake: Intake, messages: Sequence[Message], plain: Plain, waiting: dict[int, int]
) -> Iterator[tuple[Message, bool]]:
    """Take in those that wait, all of them at once; those that are not so usual after all."""
    if not waiting:
        return
    numbers = list(waiting.values())
    chunks = np.empty((len(numbers), 8), np.int64)
    chunks[:, 0] = list(waiting)
    chunks[:, 1] = [messages[number].arrived_ns for number in numbers]
    chunks[:, 2:] = plain.numbers[numbers]
    placed = intake.accept_usual(plain.buffer, chunks, plain.marks)
    if not placed.all():
        for number in np.array(numbers)[~placed].tolist():
            yield messages[number], True
            _learn(intake, plain.names[number])


def _learn(intake: Intake, names: tuple[bytes, bytes] | None) -> None:
    """A message has been dealt with by itself; the next of its stream and layout may not have to be."""
    row = intake.row_of_bytes.get(names[0]) if names else None
    if row is not None:
        try:
            intake.learn_usual(row, layout_of(names[1]), names[1])
        except (DecodeError, WireError):  # which has been said: the message was refused
            return
