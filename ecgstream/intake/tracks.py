"""What the next chunk of a row is judged by and changes, in arrays, so that one kernel can place the chunks of many."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

SEEN = 64
"""Start times of this many sequence numbers are kept, to know a duplicate by."""

NEXT_SEQUENCE, FRONTIER, LAST_N, BASE_NS = range(4)
"""Columns of ``counts``; FRONTIER: native samples of the segment that have a place, LAST_N: of the newest chunk."""
HZ, WEIGHT, LAST_X, MEAN_X, MEAN_Y, XX, XY, DRIFT = range(8)
"""Columns of ``fits``: the running segment's rate, and what ``ClockFit`` knows."""


class Tracks(NamedTuple):
    """Of one row, or of many with rows first."""

    counts: np.ndarray  # int64 (4,)
    fits: np.ndarray  # float64 (8,)
    starts: np.ndarray  # int64 (SEEN,): start time of the chunk with this number modulo SEEN, or what stands for it

    def of(self, row: int) -> Tracks:
        """A row's own; what is written there is written here."""
        return Tracks(*(table[row] for table in self))


def no_tracks(n_rows: int) -> Tracks:
    """For rows without streams."""
    return Tracks(np.zeros((n_rows, 4), np.int64), np.zeros((n_rows, 8)), np.zeros((n_rows, SEEN), np.int64))
