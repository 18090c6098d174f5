"""Every node of every tree held against many rows at once. Compiled; all its kernels lie in this file.

A tree is not walked: each node that sends a row to the right strikes out the leaves of its left branch, and the first
leaf that is left is the row's (Lucchese et al., "QuickScorer", SIGIR 2015). For trees of some ten leaves that is less
work than walking, as many rows are compared in one instruction and nothing is to be foretold.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

ROWS = 64
"""Rows taken together: what is left of their leaves stays in the nearest cache."""
MOST_LEAVES = 64
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)


@intrinsic
def _first(_, bits):
    """Place of the lowest bit that is set."""

    def code(__, builder, ___, arguments):
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.uint64(bits), code


@njit(cache=True, nogil=True)
def add_up(columns, feature, threshold, left, unknown_right, first_node, leaves, sums):
    """Add every tree's leaf to ``sums`` (K, N), tree t to row t % K of it, in the order of the trees.

    ``columns`` float64 (F, N), NaN for what is not known. By node: ``feature``; ``threshold``, up to which a row goes
    left; ``left`` uint64, the leaves struck out on the way right; ``unknown_right``, where NaN goes. Tree t has the
    nodes from ``first_node[t]`` up to the next tree's, and the ``leaves[t]`` float64, left to right.
    """
    n_classes, n_rows = sums.shape
    open_leaves = np.empty(ROWS, np.uint64)
    for start in range(0, n_rows, ROWS):
        n = min(ROWS, n_rows - start)
        for tree in range(len(leaves)):
            open_leaves[:] = _ALL
            for node in range(first_node[tree], first_node[tree + 1]):
                x, limit, kept = columns[feature[node], start : start + n], threshold[node], ~left[node]
                if unknown_right[node]:
                    for i in range(n):
                        open_leaves[i] &= _ALL if x[i] <= limit else kept
                else:
                    for i in range(n):
                        open_leaves[i] &= kept if x[i] > limit else _ALL
            total, value = sums[tree % n_classes], leaves[tree]
            for i in range(n):
                total[start + i] += value[_first(open_leaves[i])]


@njit(cache=True, nogil=True)
def as_probabilities(sums, scale):
    """Probabilities (N, K) of ``sums`` (K, N): softmax over the classes, or of a single one its logistic function, of
    ``scale`` times the sum."""
    n_classes, n_rows = sums.shape
    found = np.empty((n_rows, n_classes))
    for i in range(n_rows):
        if n_classes == 1:
            found[i, 0] = 1.0 / (1.0 + np.exp(-scale * sums[0, i]))
            continue
        most = sums[:, i].max()
        whole = 0.0
        for k in range(n_classes):
            found[i, k] = np.exp(sums[k, i] - most)
            whole += found[i, k]
        found[i] /= whole
    return found
