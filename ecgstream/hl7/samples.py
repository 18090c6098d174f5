"""Sample arrays (NA, MA) are cut out of a message and read by numpy; the HL7 library parses what is left."""

from __future__ import annotations

import re
from functools import lru_cache

import numpy as np

from ..errors import Hl7Error
from .refusals import Refused

MISSING = 2**31
"""In place of a value that was left empty between two separators: outside what any converter delivers."""


def cut(block: bytes, field: bytes) -> tuple[bytes, list[bytes]]:
    """The message with each array's OBX-5 replaced by its place in the list of what was cut out."""
    arrays: list[bytes] = []

    def take(found: re.Match[bytes]) -> bytes:
        arrays.append(found[2])
        return b"%s%d" % (found[1], len(arrays) - 1)

    return _arrays_in(field).sub(take, block), arrays


@lru_cache(maxsize=16)
def _arrays_in(field: bytes) -> re.Pattern[bytes]:
    f = re.escape(field)
    other = rb"[^\r" + f + rb"]*" + f
    return re.compile(rb"(\rOBX" + f + other + rb"(?:NA|MA)" + f + other + other + rb")([^\r" + f + rb"]*)")


def numbers(array: bytes, separator: bytes, where: str) -> np.ndarray:
    """The values of one array, int64, or float64 where any has a fraction; ``MISSING`` where one was left empty.

    Raises Hl7Error for what is no number, or no array at all.
    """
    array = array.rstrip(separator)  # HL7 lets a sender leave separators at the end or drop them
    if not array:
        raise Hl7Error(Refused.NO_SAMPLES, "The array of samples is empty; send at least one value.", where)
    if separator + separator in array or array.startswith(separator):
        array = separator.join(part or b"%d" % MISSING for part in array.split(separator))
    kind = np.float64 if b"." in array or b"e" in array or b"E" in array else np.int64
    # One more value behind the last: numpy stops at what it cannot read, and then that one is missing.
    try:
        if array.translate(None, b"+-.0123456789eE" + separator):
            raise ValueError
        values = np.fromstring((array + separator + b"0").decode("ascii"), kind, sep=separator.decode("ascii"))
    except (ValueError, DeprecationWarning):
        values = np.empty(0)
    if len(values) != array.count(separator) + 2 or not np.isfinite(values).all():
        raise Hl7Error(
            Refused.BAD_SAMPLES,
            f"An array of samples holds numbers with {separator.decode()!r} between them and nothing else; "
            "it cannot be read as such.",
            where,
        )
    return values[:-1]
