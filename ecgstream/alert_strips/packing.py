"""Samples of 16 bits as what they differ by, in as few bits as a group of them takes; nothing is lost. Compiled."""

from __future__ import annotations

import numpy as np
from numba import njit

GROUP = 32
"""Values that are as wide as the widest of them; a byte before them says how wide."""
_BYTE = 8


def most_bytes(n: int) -> int:
    """How many ``n`` values may take."""
    return 2 * n + -(-n // GROUP)


@njit(cache=True, nogil=True)
def pack(values, out):
    """Write ``values`` uint16 (N,) to ``out`` uint8 (most_bytes(N),); how many bytes were written."""
    folded, at, before = np.empty(GROUP, np.uint16), 0, np.uint16(0)
    for start in range(0, len(values), GROUP):
        n = min(GROUP, len(values) - start)
        widest = np.uint16(0)
        for i in range(n):
            value = values[start + i]
            step = np.int16(np.uint16(value - before))
            folded[i] = np.uint16((step << 1) ^ (step >> 15))  # small ones of either sign are small numbers
            widest |= folded[i]
            before = value
        width = 0
        while widest >> width:
            width += 1
        out[at] = width
        at += 1
        bits, held = np.uint64(0), 0
        for i in range(n):
            bits |= np.uint64(folded[i]) << np.uint64(held)
            held += width
            while held >= _BYTE:
                out[at] = np.uint8(bits & np.uint64(0xFF))
                bits, held, at = bits >> np.uint64(_BYTE), held - _BYTE, at + 1
        if held:
            out[at] = np.uint8(bits & np.uint64(0xFF))
            at += 1
    return at


@njit(cache=True, nogil=True)
def unpack(packed, values):
    """Fill ``values`` uint16 (N,) from what ``pack`` made of them."""
    at, before = 0, np.uint16(0)
    for start in range(0, len(values), GROUP):
        width = np.int64(packed[at])
        mask = (np.uint64(1) << np.uint64(width)) - np.uint64(1)
        at += 1
        bits, held = np.uint64(0), 0
        for i in range(start, min(start + GROUP, len(values))):
            while held < width:
                bits |= np.uint64(packed[at]) << np.uint64(held)
                held, at = held + _BYTE, at + 1
            folded = np.int64(bits & mask)
            bits, held = bits >> np.uint64(width), held - width
            before = np.uint16(before + np.uint16((folded >> 1) ^ -(folded & 1)))
            values[i] = before
