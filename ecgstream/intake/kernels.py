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


@njit(cache=True, nogil=True)
def put_ring(slab, slot, first, n, invalid, buffer, at, room):
    """``put`` for one ring of ``slab`` (slots, C, capacity): little-endian int16 (C, n) of uint8 ``buffer`` from ``at``
    on, C order. Copied in one piece first, into ``room`` int16 (C * capacity,), all goes four times as fast."""
    n_channels, capacity = slab.shape[1:]
    rings = slab.reshape(-1)
    n_bytes = 2 * n_channels * n
    copy(room.view(np.uint8)[:n_bytes], buffer[at : at + n_bytes])
    column = first % capacity
    until_wrap = min(n, capacity - column)
    for c in range(n_channels):
        ring, own = (slot * n_channels + c) * capacity, c * n
        code, begin = invalid[slot, c], ring + column
        _code(rings[begin : begin + until_wrap], room[own : own + until_wrap], code)
        if until_wrap < n:
            _code(rings[ring : ring + n - until_wrap], room[own + until_wrap : own + n], code)


@njit(cache=True)
def _code(out, samples, invalid):
    narrow = np.int16(invalid)  # of the samples' own width, the loop takes many at a time
    can_be = narrow == invalid
    for i in range(len(out)):
        value = samples[i]
        clamped = CODE_LIMIT if value < CODE_LIMIT else value
        out[i] = CODE_MISSING if can_be and value == narrow else clamped


@njit(cache=True)
def copy(out, values):
    """``out[:] = values`` of flat arrays, several times as fast as that."""
    for i in range(len(out)):
        out[i] = values[i]


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
    out = np.empty((len(slots), slab.shape[1], n), np.int16)
    for r in range(len(slots)):
        gather_one(slab, slots[r], first[r], stop[r], out, r)
    return out


@njit(cache=True, nogil=True)
def gather_one(slab, slot, first, stop, out, r):
    """Fill ``out[r]`` as ``gather`` does."""
    n_channels, capacity = slab.shape[1:]
    n = out.shape[2]
    rings, flat = slab.reshape(-1), out.reshape(-1)  # in one piece: five times as fast
    start = max(first, 0, stop - capacity)
    held = max(0, min(first + n, stop) - start)
    if held < n:
        out[r] = CODE_MISSING
    if held == 0:
        return
    column, at = start % capacity, start - first
    until_wrap = min(held, capacity - column)
    for c in range(n_channels):
        ring, own = (slot * n_channels + c) * capacity, (r * n_channels + c) * n + at
        copy(flat[own : own + until_wrap], rings[ring + column : ring + column + until_wrap])
        if until_wrap < held:
            copy(flat[own + until_wrap : own + held], rings[ring : ring + held - until_wrap])
