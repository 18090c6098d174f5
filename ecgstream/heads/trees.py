"""LightGBM's trees at work, read from its text form; its library is for fitting.

What they say is what LightGBM says of the same rows, digit for digit (tests/heads/test_trees.py).
"""

from __future__ import annotations

import numpy as np

from ..errors import ModelError
from .forest import MOST_LEAVES, add_up, as_probabilities

_CATEGORY, _UNKNOWN_LEFT, _ZERO_UNKNOWN, _NAN_UNKNOWN = 1, 2, 4, 8
"""Bits of a node's ``decision_type``."""


class Trees:
    """Trees read from LightGBM's text form. ModelError where it cannot be read."""

    def __init__(self, text: str):
        about, *trees = text.split("\n\nTree=")
        stated = _fields(about)
        try:
            self._n_features, n_classes = int(stated["max_feature_idx"]) + 1, int(stated["num_class"])
            self._scale = _scale(stated["objective"])
            nodes = [_nodes(_fields(tree)) for tree in trees]
        except (KeyError, ValueError, IndexError) as error:
            raise ModelError(f"These are no trees in LightGBM's text form: {error!r}. Fit the head again.") from error
        self._n_classes = n_classes
        columns = [np.concatenate(column) for column in list(zip(*nodes, strict=True))[:-1]]
        sizes = [len(each[0]) for each in nodes]
        leaves = np.zeros((len(nodes), max(sizes) + 1))
        for row, each in zip(leaves, nodes, strict=True):
            row[: len(each[-1])] = each[-1]
        self._forest = *columns, np.cumsum([0, *sizes]), leaves

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Probabilities (N, K) from ``features`` (N, F); of two classes (N,), that of the second.

        ModelError where the trees know another number of features.
        """
        if features.shape[1] != self._n_features:
            raise ModelError(f"These trees know {self._n_features} features; there are {features.shape[1]}.")
        sums = np.zeros((self._n_classes, len(features)))
        add_up(np.ascontiguousarray(features.T, np.float64), *self._forest, sums)
        found = as_probabilities(sums, self._scale)
        return found[:, 0] if self._n_classes == 1 else found


def _fields(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def _scale(objective: str) -> float:
    """Of ``binary sigmoid:1`` the number; a softmax has none."""
    kind, _, rest = objective.partition(" ")
    if kind == "multiclass":
        return 1.0
    if kind != "binary":
        raise ValueError(f"objective={objective}")
    return float(rest.removeprefix("sigmoid:"))


def _nodes(tree: dict[str, str]) -> tuple[np.ndarray, ...]:
    """Of a tree: feature, threshold, leaves of the left branch as bits, and whether NaN goes right, by node; and the
    values of its leaves, left to right."""
    if int(tree["num_leaves"]) > MOST_LEAVES or int(tree["num_cat"]) or int(tree["is_linear"]):
        raise ValueError(f"num_leaves={tree['num_leaves']}, num_cat={tree['num_cat']}, is_linear={tree['is_linear']}")
    value = _numbers(tree["leaf_value"], float)
    if len(value) == 1:
        return (*(np.empty(0, kind) for kind in (np.int64, np.float64, np.uint64, np.bool_)), value)
    threshold, decision = _numbers(tree["threshold"], float), _numbers(tree["decision_type"], int)
    if (decision & (_CATEGORY | _ZERO_UNKNOWN)).any():
        raise ValueError(f"decision_type={tree['decision_type']}")
    order, left = _in_order(_numbers(tree["left_child"], int), _numbers(tree["right_child"], int))
    # Where nothing was unknown when the tree was grown, LightGBM reads NaN as 0.
    unknown_right = np.where(decision & _NAN_UNKNOWN, ~decision & _UNKNOWN_LEFT, threshold < 0) > 0
    return _numbers(tree["split_feature"], int), threshold, left, unknown_right, value[order]


def _in_order(left_child: np.ndarray, right_child: np.ndarray) -> tuple[list[int], np.ndarray]:
    """Leaves from left to right, and by node which of these its left branch holds, as bits. ``~leaf`` stands for a leaf
    among the children."""
    order: list[int] = []
    bits = np.zeros(len(left_child), np.uint64)

    def walk(child: int) -> None:
        if child < 0:
            order.append(~child)
            return
        start = len(order)
        walk(int(left_child[child]))
        bits[child] = (1 << len(order)) - (1 << start)
        walk(int(right_child[child]))

    walk(0)
    return order, bits


def _numbers(text: str, kind: type) -> np.ndarray:
    return np.array(text.split(), np.float64 if kind is float else np.int64)
