"""Fitting the fibrillation head on vfdb; what is fitted without each fold, for scores by record."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import lightgbm
import numpy as np

from ...diagnosis.waves import CLASSES, NAME, load_fibrillation_head
from ...evaluation.rhythm_spans import NOISE, VF
from ...rhythm.waves import FEATURES
from ..fitting import FOLDS, fit, fold_of
from ..head import Head, HeadManifest, save_head
from .examples import DATA_SET, Examples, code_hash, load_examples

OPTIONS = {
    "learning_rate": 0.05, "num_leaves": 15, "min_data_in_leaf": 200, "max_bin": 63, "lambda_l2": 10.0,
    "feature_fraction": 0.5, "bagging_fraction": 0.7, "bagging_freq": 1,
}  # fmt: skip
ROUNDS = 150
NOISE_WEIGHT = 0.3
VF_SHARE = 0.5
"""Weight of all fibrillation against that of all the rest."""
THRESHOLDS = {"begin": 0.73, "end": 0.27}
"""Probabilities at which fibrillation is told and is over: a unit of log-odds above and below even."""
CARD = "card.md"


def train(data: Path, out: Path, cache: Path) -> HeadManifest:
    """Fit the head on all of vfdb in ``data`` and write its directory ``out``. Raises RecordError."""
    examples = load_examples(data, cache)
    manifest = _save(examples, np.ones(len(examples.kind), bool), out)
    (out / CARD).write_text(_card(manifest, len(examples.kind)))
    return manifest


def fold_heads(data: Path, cache: Path) -> Callable[[str], Head]:
    """For a record of vfdb, the head fitted without the record's fold; fitted when first asked for, and cached."""

    @functools.cache
    def of_fold(fold: int) -> Head:
        folder = cache / f"fibrillation-{code_hash(Path(__file__))}-fold-{fold}"
        if not (folder / "manifest.json").exists():
            examples = load_examples(data, cache)
            _save(examples, _folds(examples) != fold, folder)
        return load_fibrillation_head(folder)

    return lambda record: of_fold(fold_of(DATA_SET, record))


def _folds(examples: Examples) -> np.ndarray:
    names, place = np.unique(examples.record, return_inverse=True)
    return np.array([fold_of(DATA_SET, name) for name in names.tolist()])[place] % FOLDS


def _save(examples: Examples, used: np.ndarray, out: Path) -> HeadManifest:
    trees = _fit(examples, used)
    seen = {DATA_SET: sorted(set(examples.record[used].tolist()))}
    return save_head(trees, out, name=NAME, features=FEATURES, classes=CLASSES, thresholds=THRESHOLDS, seen=seen)


def _fit(examples: Examples, used: np.ndarray) -> lightgbm.Booster:
    label = (examples.kind[used] == VF).astype(np.int64)
    weight = np.where(examples.kind[used] == NOISE, NOISE_WEIGHT, 1.0)
    weight[label == 1] *= VF_SHARE * weight[label == 0].sum() / weight[label == 1].sum()
    return fit(examples.features[used], label, FEATURES, 2, OPTIONS, ROUNDS, weight / weight.mean())


def _card(manifest: HeadManifest, windows: int) -> str:
    """What the head is, as Markdown."""
    return (Path(__file__).parent / CARD).read_text().format(
        version=f"{manifest.name}@{manifest.sha256[:12]}", features=len(manifest.features), rounds=ROUNDS,
        windows=windows, records=len(manifest.seen[DATA_SET]), noise_weight=NOISE_WEIGHT, **THRESHOLDS,
    )  # fmt: skip
