"""Fits the head that judges monitors' alarms, whole or by folds, its threshold chosen inside what it is fitted on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import lightgbm
import numpy as np
from scipy.ndimage import uniform_filter1d

from ..heads.fitting import fit, out_of_fold
from ..heads.head import HeadManifest, save_head
from .judge import THRESHOLD, feature_names
from .verdicts import NAME

DATA_SET = "cinc2015"
CLASSES = ("false", "true")
ROUNDS = 250
OPTIONS = {
    "num_leaves": 8,
    "learning_rate": 0.06,
    "min_data_in_leaf": 8,
    "feature_fraction": 0.3,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 3.0,
    "extra_trees": True,
    "max_bin": 63,
    "num_threads": 1,  # two would wait for each other most of the time
}
"""Small trees, splits drawn at random (Geurts et al. 2006), much averaging: a few hundred alarms teach no more."""
_THRESHOLDS = np.arange(0.05, 0.601, 0.01)
_NEIGHBOURS = 11


@dataclass(frozen=True, slots=True)
class Examples:
    """N alarms."""

    features: np.ndarray  # float64 (N, F), as ``judge.feature_names``
    label: np.ndarray  # int64 (N,), 1 for a true alarm
    fold: np.ndarray  # int64 (N,), by ``heads.fitting.fold_of``
    record: tuple[str, ...]


def challenge_score(is_true: np.ndarray, called_true: np.ndarray) -> float:
    """Percent: (TP + TN) / (TP + TN + FP + 5 FN) (Clifford et al. 2015)."""
    right, missed = int((is_true == called_true).sum()), int((is_true & ~called_true).sum())
    wrong = len(is_true) - right - missed
    return 100.0 * right / max(right + wrong + 5 * missed, 1)


def fit_trees(examples: Examples, rows: np.ndarray) -> lightgbm.Booster:
    """Trees on the rows, bool (N,)."""
    names = feature_names()
    rising = [int(name.endswith("_meets")) for name in names]  # the better a definition is met, the likelier
    options = OPTIONS | {"monotone_constraints": rising}
    return fit(examples.features[rows], examples.label[rows], names, len(CLASSES), options, ROUNDS)


def probabilities(examples: Examples, rows: np.ndarray) -> np.ndarray:
    """float64 (N,): of being true, by what was fitted on the other folds among ``rows``; NaN outside them."""
    where = np.flatnonzero(rows)

    def fit_on(train: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        """What judges alarms, by trees fitted on those marked in ``train``."""
        trees = fit_trees(examples, _back(where[train], len(rows)))

        def predict(tested: np.ndarray) -> np.ndarray:
            found = np.asarray(trees.predict(examples.features[where[tested]], num_threads=1))
            return np.stack([1 - found, found], axis=1)

        return predict

    told = np.full(len(rows), np.nan)
    told[where] = out_of_fold(examples.fold[where], fit_on, len(CLASSES))[:, 1]
    return told


def choose_threshold(examples: Examples, rows: np.ndarray) -> float:
    """The threshold with the best challenge score on the rows, each judged by what was fitted without its fold."""
    told, is_true = probabilities(examples, rows)[rows], examples.label[rows] == 1
    scores = np.array([challenge_score(is_true, told >= threshold) for threshold in _THRESHOLDS])
    # Which single one scores best is a matter of luck: its neighbours must do well, too.
    return round(float(_THRESHOLDS[np.argmax(uniform_filter1d(scores, _NEIGHBOURS, mode="nearest"))]), 2)


def cross_validate(examples: Examples) -> tuple[np.ndarray, np.ndarray]:
    """Probability and threshold, float64 (N,) each, by what was fitted and chosen without the record's fold."""
    everything = np.ones(len(examples.label), bool)
    threshold = np.empty(len(examples.label))
    for fold in np.unique(examples.fold):
        threshold[examples.fold == fold] = choose_threshold(examples, examples.fold != fold)
    return probabilities(examples, everything), threshold


def fit_head(examples: Examples, folder: Path) -> HeadManifest:
    """Fit on everything and write the head to ``folder``."""
    everything = np.ones(len(examples.label), bool)
    return save_head(
        fit_trees(examples, everything),
        folder,
        name=NAME,
        features=feature_names(),
        classes=CLASSES,
        thresholds={THRESHOLD: choose_threshold(examples, everything)},
        seen={DATA_SET: sorted(examples.record)},
    )


def _back(chosen: np.ndarray, n: int) -> np.ndarray:
    flags = np.zeros(n, bool)
    flags[chosen] = True
    return flags
