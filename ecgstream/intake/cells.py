"""Memory for packed samples: cells of one size, any number of which follow one another, from one array."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from ..rows import grown

CELL = 16
"""uint64 words in a cell: few are left over at the end of a unit, and few numbers are needed to tell which follows."""


class Cells(NamedTuple):
    """Cells, and which of them are free. What is told of a unit is its first cell and its length."""

    words: np.ndarray  # uint64 (cells, CELL)
    following: np.ndarray  # int32 (cells,): the next cell of the same unit; of its last one, nothing
    free: np.ndarray  # int32 (cells,): numbers of the free cells, to be taken from the end of the first n_free
    n_free: np.ndarray  # int64 (1,)


def no_cells() -> Cells:
    """None yet."""
    return Cells(np.zeros((0, CELL), np.uint64), np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(1, np.int64))


def with_free(cells: Cells, n_words: int) -> Cells:
    """The same, with more where free ones might not suffice for so many words."""
    had, n_free = len(cells.words), int(cells.n_free[0])
    more = -(-n_words // CELL) - n_free
    if more <= 0:
        return cells
    words, following, free = (grown(array, had + more) for array in cells[:3])
    free[n_free : n_free + more] = np.arange(had + more - 1, had - 1, -1)
    cells.n_free[0] += more
    return Cells(words, following, free, cells.n_free)


@njit(cache=True, nogil=True)
def put_unit(cells, words):
    """Copy ``words`` (W,) into free cells; the first of them."""
    words_of, following, free, n_free = cells
    first = cell = -1
    for start in range(0, len(words), CELL):
        n_free[0] -= 1
        taken = free[n_free[0]]
        if first < 0:
            first = taken
        else:
            following[cell] = taken
        cell = taken
        part = words[start : start + CELL]
        for i in range(len(part)):
            words_of[cell, i] = part[i]
    return first


@njit(cache=True, nogil=True)
def get_unit(cells, cell, words):
    """Copy the unit that begins in ``cell`` into ``words`` (W,)."""
    words_of, following, _, _ = cells
    for start in range(0, len(words), CELL):
        part = words[start : start + CELL]
        for i in range(len(part)):
            part[i] = words_of[cell, i]
        cell = following[cell]


@njit(cache=True, nogil=True)
def free_unit(cells, cell, n_words):
    """The cells of the unit of ``n_words`` that begins in ``cell`` are free again."""
    _, following, free, n_free = cells
    for _ in range(0, n_words, CELL):
        free[n_free[0]] = cell
        n_free[0] += 1
        cell = following[cell]
