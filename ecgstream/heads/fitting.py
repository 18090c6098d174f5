"""Trees fitted the same way each time, whole or by folds that keep every patient in one part."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np

if TYPE_CHECKING:
    import lightgbm

FOLDS = 5
_SAME_PATIENT = {("mitdb", "202"): "201"}
_ALWAYS = {"verbosity": -1, "deterministic": True, "force_row_wise": True, "seed": 1, "num_threads": 1}


def fold_of(data_set: str, patient: str) -> int:
    """The one fold, 0 to 4, in which a patient is tested, for every head and table. Records stand for patients where a
    data set names none."""
    patient = _SAME_PATIENT.get((data_set, patient), patient)
    return crc32(f"{data_set}/{patient}".encode()) % FOLDS


def fit(
    features: np.ndarray,
    label: np.ndarray,
    names: tuple[str, ...],
    n_classes: int,
    options: dict[str, Any],
    rounds: int,
    weight: np.ndarray | None = None,
) -> lightgbm.Booster:
    """Trees over ``features`` (N, F), NaN for unknown, and ``label`` (N,) from 0 to ``n_classes`` - 1.

    The same input gives the same trees. ``options`` are LightGBM's own (Ke et al. 2017).
    """
    import lightgbm

    kind = {"objective": "binary"} if n_classes == 2 else {"objective": "multiclass", "num_class": n_classes}
    data = lightgbm.Dataset(features, label, weight=weight, feature_name=list(names))
    return lightgbm.train(_ALWAYS | kind | options, data, num_boost_round=rounds)


def out_of_fold(
    fold: np.ndarray, fit_on: Callable[[np.ndarray], Callable[[np.ndarray], np.ndarray]], n_classes: int
) -> np.ndarray:
    """Probabilities (N, K) of every row by what was fitted without its fold.

    ``fold`` (N,) as ``fold_of`` gives it. ``fit_on(train)`` gets the rows to fit on, bool (N,), and gives a function
    from rows to be judged, bool (N,), to their probabilities.
    """
    found = np.full((len(fold), n_classes), np.nan)
    for number in np.unique(fold):
        tested = fold == number
        found[tested] = fit_on(~tested)(tested)
    return found
