"""Arithmetic between native samples, grid samples and hops of one segment. Whole numbers only; ints or int64 arrays."""

from __future__ import annotations

from fractions import Fraction
from typing import TypeVar

import numpy as np

from ..waveform import GRID_HZ, HOP_SAMPLES

N = TypeVar("N", int, np.ndarray)


class Rate:
    """A sampling frequency; all counts start at 0 with the segment."""

    __slots__ = ("fs_hz", "hz", "up", "down")

    def __init__(self, fs_hz: Fraction):
        self.fs_hz = fs_hz
        self.hz = float(fs_hz)
        self.up, self.down = fs_hz.numerator, fs_hz.denominator * GRID_HZ

    def native(self, grid: N) -> N:
        """The newest native sample a grid sample needs."""
        return grid * self.up // self.down

    def native_from(self, grid: N) -> N:
        """The first native sample that is not before a grid sample."""
        return -(-grid * self.up // self.down)

    def native_stop(self, hops: N) -> N:
        """End of the native samples that the first ``hops`` hops need; 0 or a little less for no hop."""
        return self.native(hops * HOP_SAMPLES - 1) + 1

    def grid_stop(self, native_stop: N) -> N:
        """Grid samples that the first ``native_stop`` native samples suffice for."""
        return -(-native_stop * self.down // self.up)

    def nearest_hop(self, native: int) -> int:
        """The hop boundary nearest to a native sample."""
        hop_of = 2 * HOP_SAMPLES * self.up
        return (2 * native * self.down + HOP_SAMPLES * self.up) // hop_of
