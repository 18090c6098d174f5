"""Ventricular beats per minute by the classes of beats."""

from __future__ import annotations

import numpy as np

from ..waveform import HOP_S, HOP_SAMPLES, Conditioned
from .beats import CLASSES, ClassifiedBeats
from .kernels import sums_of_last

SPAN_HOPS = round(60 / HOP_S)
LEAST_HOPS = round(15 / HOP_S)
LAG_HOPS = 15
"""A beat has its class within 3 s: 2.6 s where none follows it, the filters' delay, and the rest of a hop."""
_RING = 512
_UNSEEN = 255
"""In place of a count, where beats got no class."""
_VENTRICULAR = CLASSES.index("V")


class PvcRate:
    """Counts per hop of the last minute. What it says of a hop ends ``LAG_HOPS`` earlier: no cut of hops changes it."""

    def __init__(self, n_rows: int):
        self.counts = np.zeros((n_rows, _RING), np.uint8)

    def grow(self, n_rows: int) -> None:
        """Make room for ``n_rows`` rows in all."""
        self.counts = np.concatenate([self.counts, np.zeros((n_rows - len(self.counts), _RING), np.uint8)])

    def reset(self, rows: np.ndarray) -> None:
        """Forget the rows' beats."""
        self.counts[rows] = 0

    def save(self, row: int) -> bytes:
        """The counts of a row."""
        return self.counts[row].tobytes()

    def restore(self, row: int, saved: bytes) -> None:
        """Go on with a row from what ``save`` gave. Raises ValueError when it is of another form."""
        self.counts[row] = np.frombuffer(saved, np.uint8).reshape(_RING)

    def leave_out(self, block: Conditioned) -> None:
        """Remember that no beat of a block gets a class; nor has one shortly before it had its class yet."""
        self.reset(block.rows[block.new_segment])
        hops = block.first_hop[:, None] + np.arange(-LAG_HOPS, block.n_hops)
        self.counts[block.rows[:, None], hops % _RING] = _UNSEEN

    def step(self, block: Conditioned, told: ClassifiedBeats) -> np.ndarray:
        """float32 (R, n_hops): per minute, over the last 60 s or since the segment began; NaN below 15 s, and where
        some of the last 60 s was left out."""
        self.reset(block.rows[block.new_segment])
        hops = block.first_hop[:, None] + np.arange(block.n_hops)
        self.counts[block.rows[:, None], hops % _RING] = 0
        at = told.row, told.sample // HOP_SAMPLES % _RING
        counted = (told.label == _VENTRICULAR) & (self.counts[at] != _UNSEEN)
        np.add.at(self.counts, (at[0][counted], at[1][counted]), 1)
        span = np.minimum(hops + 1 - LAG_HOPS - block.segment_hop[:, None], SPAN_HOPS)
        sums = np.empty(hops.shape, np.int64)
        sums_of_last(self.counts, block.rows, hops + 1 - LAG_HOPS, span, _UNSEEN, sums)
        per_minute = sums * (60 / HOP_S) / np.maximum(span, 1)
        return np.where((span < LEAST_HOPS) | (sums < 0), np.nan, per_minute).astype(np.float32)
