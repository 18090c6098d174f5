"""Messages to places in the arena: many are read and copied together; the unusual are handed back one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from .intake import Intake
from .sources.message import Message
from .waveform import PlainChunk
from .wire.plain import read_plain

AT_ONCE = 32
"""Messages read at once: few enough to stay in the processor's cache until they are copied."""


def in_parts(messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
    """The messages in their order, ``AT_ONCE`` at a time."""
    for start in range(0, len(messages), AT_ONCE):
        yield messages[start : start + AT_ONCE]


def read(messages: Sequence[Message]) -> tuple[np.ndarray, list[PlainChunk | None]]:
    """The messages' bytes in one array, and the chunk each holds; None for one that is not of the usual shape."""
    return read_plain([message.payload for message in messages], [message.content_type for message in messages])


def take_in(
    intake: Intake,
    messages: Sequence[Message],
    buffer: np.ndarray,
    chunks: Sequence[PlainChunk | None],
    is_wanted: Callable[[str, Message], bool],
) -> Iterator[tuple[Message, bool]]:
    """Put the chunks in the arena; the messages for which that takes more, in their turn: each must have been dealt
    with before the next is asked for. Beside each, whether it is known to be wanted already."""
    together = intake.together(buffer)
    for message, chunk in zip(messages, chunks, strict=True):
        if chunk is None:
            together.copy()
            yield message, False
            continue
        if chunk.stream_id in together:
            together.copy()
        if is_wanted(chunk.stream_id, message) and not together.place(chunk, message.arrived_ns):
            together.copy()
            yield message, True
    together.copy()
