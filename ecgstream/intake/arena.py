"""The arena: one ring of int16 samples per stream and channel group, rings of one shape together in a slab.

A ring of ECG holds what may still be handed out. What was handed out longer ago is kept packed, a second at a time:

    kept packed, KEPT_S in all                  the ring
    ├ 1 s ┼ 1 s ┼ 1 s ┼ … ┼ 1 s ┼ 1 s ┤ not yet a second, history │ next hop … newest │ room ┤
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from ..rows import grown
from ..waveform import (
    CODE_LEAD_OFF,
    CODE_MISSING,
    HOP_SAMPLES,
    ChannelGroup,
    GroupKind,
    Layout,
    SampleRange,
    history_samples,
)
from .cells import CELL, no_cells, with_free
from .kernels import fill, gather, put
from .packing import free_units, hand_out, most_words, unpack
from .rate import Rate

KEPT_S = 26.0
"""Samples before the next hop that stay readable: 20 s for strips, 25 s for second opinions, and a little."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Samples of one segment."""

    layout: Layout
    first: int  # number in the segment of the first; negative where that lies before the segment
    samples: np.ndarray  # int16 (channels, samples), CODE_MISSING and CODE_LEAD_OFF among them


class Slab:
    """Rings of one sampling frequency, channel count and kind. Memory is used again, not returned."""

    def __init__(self, fs_hz: Fraction, n_channels: int, packs: bool, ring_s: float):
        self.rate = Rate(fs_hz)
        self.history = history_samples(fs_hz)
        self.unit = math.ceil(fs_hz)
        kept = self.history + self.unit if packs else math.ceil(KEPT_S * fs_hz)
        self.capacity = math.ceil(ring_s * fs_hz) + kept
        self.in_ring = self.capacity - self.history
        """Most samples behind the packed ones that can be in the ring."""
        self.most_samples = self.capacity - kept - (self.rate.native_stop(2) - self.rate.native_stop(1)) - 1
        """Longest chunk that fits beside what is kept and an unfinished hop."""
        self.samples = np.zeros((0, n_channels, self.capacity), np.int16)
        self.stop = np.zeros(0, np.int64)  # native samples written of each ring's segment
        self.packed = np.zeros(0, np.int64)  # of what lies before it only history need be in the ring; whole units
        self.units = np.zeros((0, math.ceil(KEPT_S * fs_hz / self.unit), 2), np.int32)  # where the last before that lie
        self._cells = no_cells()
        self.lead_slots = np.zeros((0, n_channels), np.int64)
        self.mv_per_adu = np.zeros((0, n_channels), np.float32)
        self.baseline_adu = np.zeros((0, n_channels), np.float32)
        self.invalid_value = np.zeros((0, n_channels), np.int32)
        self.paced = np.zeros(0, bool)  # slots with samples the monitor marked as pace pulses
        self.marks = np.zeros((0, 1, self.capacity), np.int16)  # 1 where it did
        self._free: list[int] = []

    def acquire(self, layout: Layout) -> int:
        """A ring for a group of this layout; what lay in it before is not readable."""
        if not self._free:
            self._grow()
        slot = self._free.pop()
        self.stop[slot] = self.packed[slot] = 0
        self.mv_per_adu[slot] = [1 / channel.gain for channel in layout.channels]
        self.baseline_adu[slot] = [channel.baseline for channel in layout.channels]
        self.invalid_value[slot] = [channel.invalid_value for channel in layout.channels]
        if layout.slots:
            self.lead_slots[slot] = layout.slots
        return slot

    def release(self, slot: int) -> None:
        """Give a ring back."""
        self.paced[slot] = False
        free_units(self._cells, self.units[slot])
        self._free.append(slot)

    def room(self, slot: int) -> int:
        """Native samples that may be written without touching what is still to be handed out, or its history."""
        return int(self.packed[slot]) + self.in_ring - int(self.stop[slot])

    def hand_out(self, slots: np.ndarray, first: np.ndarray, n: int) -> np.ndarray:
        """int16 (R, C, history + n): native samples [first, first + n) of the rings ``slots``, int64 (R,) each, behind
        the history before them. Nothing but history is needed unpacked any more of what lies before first + n."""
        due = (first + n - self.packed[slots]) // self.unit
        most = most_words(self.samples.shape[1], self.unit) + CELL
        self._cells = with_free(self._cells, int(due.sum()) * most)
        where = slots, first - self.history, self.stop[slots], self.history + n
        return hand_out(self.samples, *where, self.packed, self.unit, self.lead_slots, self._cells, self.units)

    def unpack(self, slot: int, first: int, out: np.ndarray) -> None:
        """Put what is packed of the samples from ``first`` on into ``out`` (C, samples), each in its place."""
        units, stop = self.units[slot], first + out.shape[1]
        newest = int(self.packed[slot]) // self.unit
        room = np.empty((len(out), self.unit), np.int16)
        for number in range(max(first // self.unit, newest - len(units), 0), min(-(-stop // self.unit), newest)):
            unit, start = units[number % len(units)], number * self.unit
            if unit[1] > 0:
                unpack(self._cells, unit, self.lead_slots[slot], room)
                begin, end = max(start, first), min(start + self.unit, stop)
                out[:, begin - first : end - first] = room[:, begin - start : end - start]

    def _grow(self) -> None:
        had = len(self.samples)
        has = had + 8
        self._free = list(range(has - 1, had - 1, -1))
        for name in _BY_SLOT:
            setattr(self, name, grown(getattr(self, name), has))


_BY_SLOT = (
    *("samples", "stop", "packed", "units", "paced", "lead_slots"),
    *("mv_per_adu", "baseline_adu", "invalid_value", "marks"),
)  # fmt: skip


class Arena:
    """All slabs."""

    def __init__(self, ring_s: float):
        self._ring_s = ring_s
        self.slabs: list[Slab] = []
        self._index: dict[tuple[Fraction, int, bool], int] = {}

    def index(self, layout: Layout) -> int:
        """Index of the slab for groups of this layout."""
        key = layout.fs_hz, len(layout.channels), layout.kind == GroupKind.ECG
        if (found := self._index.get(key)) is None:
            found = self._index[key] = len(self.slabs)
            self.slabs.append(Slab(*key, self._ring_s))
        return found

    def ring(self, layout: Layout) -> Ring:
        """A fresh ring for a group of this layout."""
        return Ring(self.slabs[self.index(layout)], layout)


class Ring:
    """One group's samples of the running segment. Native samples [stop - capacity, stop) can be read, and what is
    packed."""

    __slots__ = ("slab", "slot", "layout")

    def __init__(self, slab: Slab, layout: Layout):
        self.slab, self.layout = slab, layout
        self.slot = slab.acquire(layout)

    @property
    def stop(self) -> int:
        """Native samples written of the segment."""
        return int(self.slab.stop[self.slot])

    @stop.setter
    def stop(self, stop: int) -> None:
        self.slab.stop[self.slot] = stop

    def write(self, group: ChannelGroup) -> None:
        """Copy the group's samples behind those already there, coded."""
        ring, first = self.slab.samples[self.slot], self.stop
        put(ring, first, group.samples, self.slab.invalid_value[self.slot])
        for marked in group.lead_off:
            channels = (0, len(ring)) if marked.channel < 0 else (marked.channel, marked.channel + 1)
            fill(ring, channels, first + marked.start, first + marked.stop, CODE_LEAD_OFF)
        self.mark(group.pacer, group.samples.shape[1])
        self.stop = first + group.samples.shape[1]

    def mark(self, pacer: Sequence[SampleRange], n: int) -> None:
        """Mark pace pulses among the next ``n`` samples, of any channel: a pulse shows in all leads."""
        slab, first = self.slab, self.stop
        if not slab.paced[self.slot]:
            if not pacer:
                return
            slab.paced[self.slot] = True
            slab.marks[self.slot] = 0
        fill(slab.marks[self.slot], (0, 1), first + max(0, n - slab.capacity), first + n, np.int16(0))
        for marked in pacer:
            fill(slab.marks[self.slot], (0, 1), first + marked.start, first + marked.stop, np.int16(1))

    def skip_to(self, stop: int) -> None:
        """Samples up to ``stop`` are missing; a ``stop`` further back lets the next write go over what is there."""
        ring = self.slab.samples[self.slot]
        fill(ring, (0, len(ring)), max(self.stop, stop - self.slab.capacity), stop, CODE_MISSING)
        self.mark((), stop - self.stop)
        self.stop = stop

    def begin_at(self, stop: int) -> None:
        """Of a fresh ring: the first samples come at ``stop``, and no hop that was complete before is wanted."""
        self.skip_to(stop)
        rate, unit = self.slab.rate, self.slab.unit
        needed = rate.native_stop(rate.grid_stop(stop) // HOP_SAMPLES)
        self.slab.packed[self.slot] = max(0, needed // unit * unit)

    def read(self, first: int, stop: int) -> np.ndarray:
        """int16 (channels, stop - first); CODE_MISSING where the ring holds nothing."""
        one = np.array([self.slot]), np.array([first]), np.array([self.stop])
        samples = gather(self.slab.samples, *one, max(0, stop - first))[0]
        self.slab.unpack(self.slot, first, samples)
        return samples

    def release(self) -> None:
        """Give the memory back."""
        self.slab.release(self.slot)
