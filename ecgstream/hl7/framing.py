"""MLLP: a message lies between a start mark and an end mark. Whatever else comes is said, passed over and survived.

The HL7 library's own reader throws a message away when stray bytes stand before it, and reaches into asyncio's insides.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from ..errors import Hl7Error
from .refusals import Refused

START, END = b"\x0b", b"\x1c\r"
MESSAGE_S = 30.0
"""A message that has begun must end within this time."""
PASS_OVER_BYTES = 64 * 2**20
"""Of a message that is too large at most so much is read to find its end; then the connection is closed."""


class CutOff(Exception):
    """The sender has gone in the middle of a message."""


def framed(message: bytes) -> bytes:
    """The message between its marks."""
    return START + message + END


async def blocks(reader: asyncio.StreamReader, largest_bytes: int) -> AsyncIterator[bytes | Hl7Error]:
    """Messages without their marks, and an error for each stretch of bytes that is none, until the sender closes.

    Raises CutOff when that is in the middle of a message, or one takes longer than MESSAGE_S. The reader's limit must
    be above ``largest_bytes``.
    """
    while (start := await reader.read(1)) != b"":
        if start in (b"\r", b"\n"):
            continue
        try:
            async with asyncio.timeout(MESSAGE_S):
                block = await _to_the_end(reader, start)
        except (asyncio.IncompleteReadError, TimeoutError) as error:
            raise CutOff from error
        if block is None or len(block) > largest_bytes:
            yield Hl7Error(
                Refused.OVERSIZE,
                f"The message has more than {largest_bytes} bytes (hl7.largest_message_bytes); send shorter blocks of "
                "samples.",
            )
            continue
        stray, mark, message = block.rpartition(START)
        if stray or not mark:
            yield Hl7Error(
                Refused.FRAMING,
                "Bytes came that stand between no start (0x0B) and end (0x1C 0x0D); frame every message by MLLP.",
            )
        if mark:
            yield message


async def _to_the_end(reader: asyncio.StreamReader, start: bytes) -> bytes | None:
    """Everything up to the next end mark; None where that is more than the reader's limit, and it was passed over."""
    try:
        return start + (await reader.readuntil(END))[: -len(END)]
    except asyncio.LimitOverrunError as error:
        passed = error.consumed
        await reader.readexactly(error.consumed)
    while passed < PASS_OVER_BYTES:
        try:
            await reader.readuntil(END)
            return None
        except asyncio.LimitOverrunError as error:
            passed += error.consumed
            await reader.readexactly(error.consumed)
    raise CutOff
