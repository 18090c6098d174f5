"""What a room remembers of a row as one record of a structured dtype: made room for, forgotten, saved, restored."""

from __future__ import annotations

import math
import mmap
from collections.abc import Callable

import numpy as np

_OWN_MAP = 1 << 20
"""Bytes from which memory is asked of the system itself: what the allocator had back from others is all in use."""


def untouched(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Zeros that take memory as they are written to, and give it back to the system when they are let go of."""
    n_bytes = math.prod(shape) * dtype.itemsize
    if n_bytes < _OWN_MAP:
        return np.zeros(shape, dtype)
    return np.ndarray(shape, dtype, mmap.mmap(-1, n_bytes, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))


def without(row: np.dtype, rebuilt: tuple[str, ...]) -> np.dtype:
    """The fields of ``row`` but those that a few hops of signal tell anew; packed, as records are saved."""
    return np.dtype([(name, row[name]) for name in row.names or () if name not in rebuilt])


def grown(rows: np.ndarray, n_rows: int) -> np.ndarray:
    """``rows`` (R, …), which may be an earlier answer, with room for ``n_rows``; new ones are zero.

    Room is made for twice as many, so that rows are seldom moved: what was never written to takes no memory.
    """
    room = rows.base
    if not isinstance(room, np.ndarray) or len(room) < n_rows:
        room = untouched((max(n_rows, 2 * len(rows)), *rows.shape[1:]), rows.dtype)
        room[: len(rows)] = rows
    return room[:n_rows]


class RowRecords:
    """A room with a record a row: ``fresh(n_rows)`` makes those that know nothing; the fields of ``kept`` are saved."""

    def __init__(self, n_rows: int, fresh: Callable[[int], np.ndarray], kept: np.dtype):
        self._state, self._fresh, self._kept = fresh(n_rows), fresh, kept
        self._spans = _spans(self._state.dtype, kept)

    def grow(self, n_rows: int) -> None:
        """Make room for ``n_rows`` rows in all; those already there keep their state."""
        had = len(self._state)
        self._state = grown(self._state, n_rows)
        self._state[had:] = self._fresh(n_rows - had)

    def reset(self, rows: np.ndarray) -> None:
        """Forget everything about ``rows`` (int64)."""
        self._state[rows] = self._fresh(len(rows))

    def save(self, row: int) -> bytes:
        """What is kept of a row; signal that its last hops tell anew is left out."""
        whole = self._state[row].tobytes()
        return b"".join([whole[start:stop] for start, stop in self._spans])

    def restore(self, row: int, saved: bytes) -> None:
        """Go on with a row from what ``save`` gave; hops that tell the rest must have been stepped through just before.

        Raises ValueError when it is of another form.
        """
        (kept,) = np.frombuffer(saved, self._kept)
        self._state[list(self._kept.names or ())][row] = kept


def _spans(row: np.dtype, kept: np.dtype) -> list[tuple[int, int]]:
    """Where the bytes of ``kept``'s fields, in its order, lie in a record; neighbours in one span. A record that
    is kept whole is kept with its padding."""
    if kept == row:
        return [(0, row.itemsize)]
    spans: list[tuple[int, int]] = []
    for name in kept.names or ():
        start = row.fields[name][1]
        stop = start + kept[name].itemsize
        if spans and spans[-1][1] == start:
            start = spans.pop()[0]
        spans.append((start, stop))
    return spans
