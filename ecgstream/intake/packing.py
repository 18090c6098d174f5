"""Samples packed without loss: differences from sample to sample, in as few bits as each group of them needs.

ECG moves little from one sample to the next: 12 leads at 250 Hz take about 5.5 bits a sample where int16 takes 16.
Groups of differences with a width of their own are those of Lemire & Boytsov (2015); the first sample of a channel is
told whole, and differences wrap, so that any int16 comes out as it went in.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from .cells import free_unit, get_unit, put_unit

GROUP = 16
"""Differences that share a width."""
_WIDTH_BITS = 5


@njit(cache=True)
def most_words(n_channels: int, n: int) -> int:
    """uint32 words that (n_channels, n) samples take at most."""
    groups = -(-n // GROUP)
    return (n_channels * (groups * (_WIDTH_BITS + 16 * GROUP) + 16) + 31) // 32 + 1


@njit(cache=True, nogil=True)
def pack(slab, slots, first, n, cells, units):
    """Native samples [first[r], first[r] + n) of ring slots[r] of ``slab`` (slots, C, capacity) become a unit of the
    slot in ``cells``, the oldest giving way; ``units``: first cell and length of each unit, int32 (slots, U, 2), unit
    u of a segment at place u mod U, length 0 where there is none."""
    line = np.empty(n, np.int16)
    zigzag = np.zeros(-(-n // GROUP) * GROUP, np.uint16)
    words = np.empty(most_words(slab.shape[1], n), np.uint32)
    for r in range(len(slots)):
        unit = units[slots[r], first[r] // n % units.shape[1]]
        if unit[1] > 0:
            free_unit(cells, unit[0], unit[1])
        n_words = _pack_one(slab[slots[r]], first[r], (line, zigzag), words)
        unit[0], unit[1] = put_unit(cells, words[:n_words]), n_words


@njit(cache=True, nogil=True)
def _pack_one(ring, first, work, out):
    """Pack the samples of a ring (C, capacity) into ``out``; how many words those are."""
    line, zigzag = work
    n, capacity = len(line), ring.shape[1]
    column = first % capacity
    until_wrap = min(n, capacity - column)
    held, n_held, at = np.uint64(0), np.uint64(0), 0
    for c in range(len(ring)):
        line[:until_wrap] = ring[c, column : column + until_wrap]
        line[until_wrap:] = ring[c, : n - until_wrap]
        _differences(line, zigzag)
        held |= np.uint64(np.uint16(line[0])) << n_held
        n_held += np.uint64(16)
        for start in range(0, n, GROUP):
            width = _width(zigzag[start : start + GROUP])
            held |= width << n_held
            n_held += np.uint64(_WIDTH_BITS)
            if n_held >= 32:
                out[at] = np.uint32(held & np.uint64(0xFFFFFFFF))
                held, n_held, at = held >> np.uint64(32), n_held - np.uint64(32), at + 1
            if width == 0:
                continue
            for i in range(start, start + GROUP):
                held |= np.uint64(zigzag[i]) << n_held
                n_held += width
                if n_held >= 32:
                    out[at] = np.uint32(held & np.uint64(0xFFFFFFFF))
                    held, n_held, at = held >> np.uint64(32), n_held - np.uint64(32), at + 1
    out[at] = np.uint32(held)
    return at + 1


@njit(cache=True, nogil=True)
def _differences(line, zigzag):
    """Small numbers for small differences of either sign; 0 for the first."""
    zigzag[0] = 0
    for i in range(1, len(line)):
        step = np.int16(line[i] - line[i - 1])
        zigzag[i] = np.uint16((step << 1) ^ (step >> 15))


@njit(cache=True, nogil=True)
def _width(values):
    """Bits of the greatest of them."""
    together = np.uint16(0)
    for value in values:
        together |= value
    width = np.uint64(0)
    while together:
        together >>= np.uint16(1)
        width += np.uint64(1)
    return width


@njit(cache=True, nogil=True)
def free_units(cells, units):
    """Nothing is packed of a slot any more: ``units`` (U, 2) are its."""
    for unit in units:
        free_unit(cells, unit[0], unit[1])
        unit[1] = 0


@njit(cache=True, nogil=True)
def unpack(cells, unit, out):
    """What ``pack`` made a unit of, first cell and length, into int16 ``out`` (C, n)."""
    words = np.empty(unit[1], np.uint32)
    get_unit(cells, unit[0], words)
    _unpack_one(words, out)


@njit(cache=True, nogil=True)
def _unpack_one(words, out):
    n = out.shape[1]
    held, n_held, at = np.uint64(0), np.uint64(0), 0
    for c in range(out.shape[0]):
        if n_held < 32 and at < len(words):
            held, n_held, at = held | np.uint64(words[at]) << n_held, n_held + np.uint64(32), at + 1
        value = np.int16(held & np.uint64(0xFFFF))
        held, n_held = held >> np.uint64(16), n_held - np.uint64(16)
        for start in range(0, n, GROUP):
            if n_held < 32 and at < len(words):
                held, n_held, at = held | np.uint64(words[at]) << n_held, n_held + np.uint64(32), at + 1
            width = held & np.uint64((1 << _WIDTH_BITS) - 1)
            held, n_held = held >> np.uint64(_WIDTH_BITS), n_held - np.uint64(_WIDTH_BITS)
            mask = (np.uint64(1) << width) - np.uint64(1)
            for i in range(start, start + GROUP):
                if n_held < 32 and at < len(words):
                    held, n_held, at = held | np.uint64(words[at]) << n_held, n_held + np.uint64(32), at + 1
                zigzag = np.int64(held & mask)
                held, n_held = held >> width, n_held - width
                value = np.int16(value + ((zigzag >> 1) ^ -(zigzag & 1)))
                if i < n:
                    out[c, i] = value
