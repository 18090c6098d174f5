"""Samples packed without loss: differences from sample to sample, in as few bits as each group of them needs.

ECG moves little from one sample to the next: 12 leads at 250 Hz take less than 5 bits a sample where int16 takes 16.
Groups of differences with a width of their own, and bits that are set for several lanes at once, are those of Lemire &
Boytsov (2015). Where III, aVR, aVL and aVF are what I and II make them (Einthoven, Goldberger), what they differ by is
told instead. All arithmetic wraps, so that any int16 comes out as it went in.

A unit is told in uint64 words: which leads are told by I and II, widths, first samples, and then the small numbers.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from ..waveform import LEAD_SLOT
from .cells import free_unit, get_unit, put_unit
from .kernels import copy, gather_one

GROUP = 16
"""Numbers that share a width: a block of BLOCK words with LANES 16-bit lanes each."""
BLOCK = LANES = 4
WIDTHS = 16
"""Widths told in one word, four bits each; 15 stands for 16."""
_EACH_LANE = np.uint64(0x0001_0001_0001_0001)
_ONE = np.uint64(1)
_I, _II, _FIRST_MADE, _LAST_MADE = (LEAD_SLOT[name] for name in ("I", "II", "III", "aVF"))
_BOTH = 1 << _I | 1 << _II
_MADE_OF = np.array([[-2, 2], [-1, -1], [2, -1], [-1, 2]], np.int32)
"""III, aVR, aVL and aVF in halves of I and II."""


@njit(cache=True)
def most_words(n_channels: int, n: int) -> int:
    """uint64 words that (n_channels, n) samples take at most, and a block to spare."""
    groups = -(-n // GROUP)
    return _head(n_channels, groups) + BLOCK * (n_channels * groups + 1)


@njit(cache=True)
def _head(n_channels, groups):
    """Words before the small numbers."""
    return 1 + n_channels * -(-groups // WIDTHS) + -(-n_channels // LANES)


@njit(cache=True, nogil=True)
def hand_out(slab, slots, first, stop, n, packed, unit, leads, cells, units):
    """``gather``; and while they are in the processor's cache, whole units of ``unit`` samples of that are packed,
    from packed[slots[r]] on, which says afterwards how far that is.

    ``leads`` int64 (slots, C): lead slots; ``units`` int32 (slots, U, 2): first cell and length of each unit, unit u of
    a segment at place u mod U, length 0 where there is none; the oldest gives way.
    """
    out = np.empty((len(slots), slab.shape[1], n), np.int16)
    lines, numbers = np.empty((3, unit), np.int16), np.zeros((2, -(-unit // GROUP) * GROUP), np.uint16)
    words = np.empty(most_words(slab.shape[1], unit), np.uint64)
    for r in range(len(slots)):
        slot = slots[r]
        gather_one(slab, slot, first[r], stop[r], out, r)
        while packed[slot] + unit <= min(first[r] + n, stop[r]):
            n_words = _pack(slab, slot, packed[slot], leads[slot], lines, numbers, words)
            _put(cells, units[slot, packed[slot] // unit % units.shape[1]], words[:n_words])
            packed[slot] += unit
    return out


@njit(cache=True, nogil=True)
def _put(cells, unit, words):
    if unit[1] > 0:
        free_unit(cells, unit[0], unit[1])
    unit[0], unit[1] = put_unit(cells, words), len(words)


@njit(cache=True, nogil=True)
def _pack(slab, slot, first, leads, lines, numbers, out):
    """Pack samples of a ring into ``out``, from ``first`` on; how many words those are. ``lines`` int16 (3, n) and
    ``numbers`` uint16 (2, n, and what makes whole groups) are written over."""
    n_channels, capacity = slab.shape[1:]
    n, groups = lines.shape[1], numbers.shape[1] // GROUP
    rings = slab.reshape(-1)
    column = first % capacity
    until_wrap = min(n, capacity - column)
    at, used, known = _head(n_channels, groups), 0, 0
    out[: at + BLOCK] = 0
    for c in range(n_channels):
        ring, lead = (slot * n_channels + c) * capacity, leads[c]
        line = lines[min(lead, 2)]
        copy(line[:until_wrap], rings[ring + column : ring + column + until_wrap])
        copy(line[until_wrap:], rings[ring : ring + n - until_wrap])
        _differences(line, numbers[0])
        known |= 1 << lead
        made = _FIRST_MADE <= lead <= _LAST_MADE and known & _BOTH == _BOTH
        made = made and _departures(lines, lead, numbers[1]) < _sum(numbers[0])
        if made:
            out[0] |= _ONE << np.uint64(lead)
        else:
            _set(out, 1 + n_channels * -(-groups // WIDTHS), c, 16, np.uint16(line[0]))
        quads = numbers[1 if made else 0].view(np.uint64)
        for group in range(groups):
            block = quads[BLOCK * group : BLOCK * (group + 1)]
            code = _code(block[0] | block[1] | block[2] | block[3])
            _set(out, 1 + c * -(-groups // WIDTHS), group, 4, code)
            _put_block(out[at : at + 2 * BLOCK], block, used)
            used += _width(code)
            at, used = at + used // 16 * BLOCK, used % 16
    return at + (BLOCK if used else 0)


@njit(cache=True, nogil=True)
def _differences(line, numbers):
    """Small numbers for small differences of either sign; 0 for the first."""
    numbers[0] = 0
    for i in range(1, len(line)):
        step = np.int16(line[i] - line[i - 1])
        numbers[i] = np.uint16((step << 1) ^ (step >> 15))


@njit(cache=True, nogil=True)
def _departures(lines, lead, numbers):
    """Small numbers for what ``lines[2]`` differs by from what I and II make of it; their sum."""
    one, two = _MADE_OF[lead - _FIRST_MADE]
    for i in range(lines.shape[1]):
        step = np.int16(lines[2, i] - ((one * lines[_I, i] + two * lines[_II, i]) >> 1))
        numbers[i] = np.uint16((step << 1) ^ (step >> 15))
    return _sum(numbers)


@njit(cache=True, nogil=True)
def _sum(numbers):
    total = np.int64(0)
    for number in numbers:
        total += number
    return total


@njit(cache=True, nogil=True)
def _set(out, start, number, bits, value):
    """Value ``number`` of those of so many bits in the words from ``start`` on, which were 0."""
    out[start + number * bits // 64] |= np.uint64(value) << np.uint64(number * bits % 64)


@njit(cache=True, nogil=True)
def _get(words, start, number, bits):
    return words[start + number * bits // 64] >> np.uint64(number * bits % 64) & ((_ONE << np.uint64(bits)) - _ONE)


@njit(cache=True, nogil=True)
def _code(together):
    """What tells the bits of the greatest lane."""
    together |= together >> np.uint64(32)
    rest, width = np.int64((together | together >> np.uint64(16)) & np.uint64(0xFFFF)), 0
    for bits in (8, 4, 2):
        if rest >= 1 << bits:
            rest, width = rest >> bits, width + bits
    return min(width + min(rest, 2), 15)


@njit(cache=True, nogil=True)
def _width(code):
    return 16 if code == 15 else code


@njit(cache=True, nogil=True)
def _put_block(out, block, used):
    """Set the lanes of ``block`` behind the ``used`` bits of each lane of ``out``: what does not fit, in the next."""
    shift, room = np.uint64(used), np.uint64(16 - used)
    fitting = _EACH_LANE * ((_ONE << room) - _ONE)
    for k in range(BLOCK):
        out[k] |= (block[k] & fitting) << shift
        out[BLOCK + k] = (block[k] & ~fitting) >> room


@njit(cache=True, nogil=True)
def _get_block(words, used, width, block):
    """``width`` bits of each lane behind the ``used`` ones."""
    shift, room = np.uint64(used), np.uint64(16 - used)
    before, mask = _EACH_LANE * ((_ONE << shift) - _ONE), _EACH_LANE * ((_ONE << np.uint64(width)) - _ONE)
    for k in range(BLOCK):
        block[k] = ((words[k] & ~before) >> shift | (words[BLOCK + k] & before) << room) & mask


@njit(cache=True, nogil=True)
def free_units(cells, units):
    """Nothing is packed of a slot any more: ``units`` (U, 2) are its."""
    for unit in units:
        free_unit(cells, unit[0], unit[1])
        unit[1] = 0


@njit(cache=True, nogil=True)
def unpack(cells, unit, leads, out):
    """What ``hand_out`` made a unit of, first cell and length, into int16 ``out`` (C, n); ``leads`` (C,)."""
    words = np.empty(unit[1] + BLOCK, np.uint64)
    get_unit(cells, unit[0], words[: unit[1]])
    n_channels, n = out.shape
    groups = -(-n // GROUP)
    numbers, limb = np.empty(groups * GROUP, np.uint16), np.zeros(_II + 1, np.int64)
    quads = numbers.view(np.uint64)
    at, used = _head(n_channels, groups), 0
    for c in range(n_channels):
        for group in range(groups):
            width = _width(np.int64(_get(words, 1 + c * -(-groups // WIDTHS), group, 4)))
            _get_block(words[at : at + 2 * BLOCK], used, width, quads[BLOCK * group : BLOCK * (group + 1)])
            used += width
            at, used = at + used // 16 * BLOCK, used % 16
        if leads[c] <= _II:
            limb[leads[c]] = c
        if words[0] >> np.uint64(leads[c]) & _ONE:
            _add_up(numbers, out[limb[_I]], out[limb[_II]], leads[c], out[c])
        else:
            _follow(numbers, np.int16(_get(words, 1 + n_channels * -(-groups // WIDTHS), c, 16)), out[c])


@njit(cache=True, nogil=True)
def _follow(numbers, value, out):
    for i in range(len(out)):
        step = np.int64(numbers[i])
        value = np.int16(value + ((step >> 1) ^ -(step & 1)))
        out[i] = value


@njit(cache=True, nogil=True)
def _add_up(numbers, lead_one, lead_two, lead, out):
    one, two = _MADE_OF[lead - _FIRST_MADE]
    for i in range(len(out)):
        step = np.int64(numbers[i])
        out[i] = np.int16(((one * lead_one[i] + two * lead_two[i]) >> 1) + ((step >> 1) ^ -(step & 1)))
