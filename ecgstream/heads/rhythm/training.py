"""Fitting the rhythm head on the strips of CinC 2017; what it scores on strips that were left out of the fit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np

from ...strips import FEATURES
from ..fitting import fit, fold_of, out_of_fold
from ..head import HeadManifest, save_head
from .examples import CLASSES, Examples, read_examples
from .scores import score

NAME = "rhythm"
DATA_SET = "cinc2017"
ROUNDS = 240
OPTIONS = {
    "learning_rate": 0.05, "num_leaves": 12, "min_data_in_leaf": 20, "lambda_l2": 5.0,
    "feature_fraction": 0.3, "bagging_fraction": 0.8, "bagging_freq": 1, "num_threads": 1,
}  # fmt: skip
LEAST_TRUE = 0.9
"""Share of the strips called fibrillation at the alarm's threshold that must be."""
CARD = "card.md"
_AF = CLASSES.index("A")


def train(folder: Path, out: Path, cache: Path) -> dict[str, Any]:
    """Fit the head on every labelled strip of ``folder`` and write its directory ``out``; its score by folds.

    The threshold of AF alarms is chosen on the cross-validated probabilities. Raises RecordError.
    """
    examples = read_examples(folder, cache)
    probability = cross_validated(examples)
    manifest = save_head(
        fit_on(examples, np.ones(len(examples.records), bool)),
        out,
        name=NAME,
        features=FEATURES,
        classes=CLASSES,
        thresholds={"A": choose_threshold(examples.label == _AF, probability[:, _AF])},
        seen={DATA_SET: examples.records},
    )
    result = score(examples.records, examples.label, probability) | {"by": "five folds", "seen_allowed": False}
    (out / CARD).write_text(card(manifest, result))
    return result


def fit_on(examples: Examples, rows: np.ndarray) -> lightgbm.Booster:
    """Trees fitted on the strips marked in ``rows`` (N,)."""
    return fit(examples.features[rows], examples.label[rows], FEATURES, len(CLASSES), OPTIONS, ROUNDS)


def cross_validated(examples: Examples) -> np.ndarray:
    """Probabilities (N, 4) of all strips by trees fitted without their fold."""

    def judge(train_on: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        trees = fit_on(examples, train_on)
        return lambda rows: trees.predict(examples.features[rows], num_threads=1)

    fold = np.array([fold_of(DATA_SET, name) for name in examples.records])
    return out_of_fold(fold, judge, len(CLASSES))


def choose_threshold(fibrillates: np.ndarray, probability: np.ndarray) -> float:
    """The lowest probability (N,) from which at least LEAST_TRUE of the strips fibrillate; 1 when there is none."""
    order = np.argsort(-probability)
    true = np.cumsum(fibrillates[order]) / np.arange(1, len(order) + 1)
    enough = np.flatnonzero(true >= LEAST_TRUE)
    return round(float(probability[order[enough[-1]]]), 4) if len(enough) else 1.0


def card(manifest: HeadManifest, result: dict[str, Any]) -> str:
    """What the head is and scores, as Markdown."""
    counts = "\n".join(
        f"| {said} | " + " | ".join(str(row[was]) for was in CLASSES) + " |"
        for said, row in result["confusion"].items()
    )
    return (Path(__file__).parent / CARD).read_text().format(
        version=f"{manifest.name}@{manifest.sha256[:12]}", features=len(manifest.features), rounds=ROUNDS,
        n=result["n"], threshold=manifest.thresholds["A"], counts=counts, mean=result["f1_mean"],
        f1=" | ".join(f"{result['f1'][name]:.3f}" for name in ("N", "A", "O", "noise")),
    )  # fmt: skip
