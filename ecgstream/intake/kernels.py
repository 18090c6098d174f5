"""Array kernels of the arena: samples into rings, blocks out of them. Native sample n lies at column n mod capacity."""

from __future__ import annotations

import numpy as np
from numba import njit

from ..waveform import CODE_LIMIT, CODE_MISSING


# A microsecond each: to let go of the interpreter lock, and wait for it again, would take longer.
@njit(cache=True)
def put(ring, first, samples, invalid):
    """Copy int16 ``samples`` (C, n) into ``ring`` (C, capacity) from native sample ``first`` on, coded.

    ``invalid`` int32 (C,) is each channel's value for an invalid sample; measurements are clamped to CODE_LIMIT.
    """
    capacity = ring.shape[1]
    n = samples.shape[1]
    column = first % capacity
    until_wrap = min(n, capacity - column)
    for c in range(samples.shape[0]):
        _code(ring[c, column : column + until_wrap], samples[c, :until_wrap], invalid[c])
        _code(ring[c, : n - until_wrap], samples[c, until_wrap:], invalid[c])


@njit(cache=True)
def _code(out, samples, invalid):
    for i in range(len(out)):
        value = max(samples[i], CODE_LIMIT)
        out[i] = CODE_MISSING if samples[i] == invalid else value


@njit(cache=True)
def fill(ring, channels, first, stop, code):
    """Set native samples [first, stop) of ``ring[channels[0] : channels[1]]`` to ``code``."""
    capacity = ring.shape[1]
    for c in range(channels[0], channels[1]):
        for sample in range(first, stop):
            ring[c, sample % capacity] = code


@njit(cache=True, nogil=True)
def gather(slab, slots, first, stop, n):
    """int16 (R, C, n): native samples [first[r], first[r] + n) of slab row slots[r].

    CODE_MISSING before the segment's start, from ``stop[r]`` on, and where the ring has gone round.
    """
    capacity = slab.shape[2]
    out = np.full((len(slots), slab.shape[1], n), CODE_MISSING, np.int16)
    for r in range(len(slots)):
        oldest = max(0, stop[r] - capacity)
        start = max(first[r], oldest)
        held = min(first[r] + n, stop[r]) - start
        if held <= 0:
            continue
        column, at = start % capacity, start - first[r]
        until_wrap = min(held, capacity - column)
        for c in range(slab.shape[1]):
            out[r, c, at : at + until_wrap] = slab[slots[r], c, column : column + until_wrap]
            out[r, c, at + until_wrap : at + held] = slab[slots[r], c, : held - until_wrap]
    return out
