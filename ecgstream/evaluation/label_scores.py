"""Many labels at once: macro ROC AUC and macro F1, with bootstrap intervals by patient."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

DRAWS = 1000


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure and its 95 % bootstrap interval (percentiles; Efron & Tibshirani 1993)."""

    value: float
    low: float
    high: float

    def rounded(self) -> tuple[float, list[float]]:
        """Value, and the interval's ends, to four digits."""
        return round(self.value, 4), [round(self.low, 4), round(self.high, 4)]


def label_aucs(truth: np.ndarray, scores: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
    """ROC AUC of each label (L,) from ``truth`` (N, L), NaN where not known, and ``scores`` (N, L).

    ``weight`` (N,) or (D, N): how often each recording counts; (D, L) then. NaN where a label has but one kind. Equal
    scores count one half (Mann & Whitney 1947).
    """
    counted = np.ones((1, len(truth))) if weight is None else np.atleast_2d(weight).astype(float)
    found = np.stack([_auc(truth[:, k], scores[:, k], counted) for k in range(truth.shape[1])], axis=1)
    return found[0] if weight is None or np.ndim(weight) == 1 else found


def _auc(truth: np.ndarray, score: np.ndarray, weight: np.ndarray) -> np.ndarray:
    known = ~np.isnan(truth)
    order = np.argsort(score[known], kind="stable")
    ranked, positive = score[known][order], truth[known][order] > 0.5
    sorted_weight = weight[:, known][:, order]
    begins = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]]) if len(ranked) else np.zeros(0, int)
    if not positive.any() or positive.all():
        return np.full(len(weight), np.nan)
    above = np.add.reduceat(sorted_weight * positive, begins, axis=1)
    below = np.add.reduceat(sorted_weight * ~positive, begins, axis=1)
    wins = (above * (np.cumsum(below, axis=1) - below / 2)).sum(axis=1)
    pairs = above.sum(axis=1) * below.sum(axis=1)
    return np.divide(wins, pairs, out=np.full(len(weight), np.nan), where=pairs > 0)


def macro_auc(truth: np.ndarray, scores: np.ndarray) -> float:
    """Mean of the labels' ROC AUC, over those that have one."""
    return float(np.nanmean(label_aucs(truth, scores)))


def label_f1(truth: np.ndarray, found: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
    """F1 of each label (L,), or (D, L) for ``weight`` (D, N), from ``truth`` (N, L) and ``found`` bool (N, L)."""
    counted = np.ones((1, len(truth))) if weight is None else np.atleast_2d(weight).astype(float)
    known = ~np.isnan(truth)
    positive, found = (truth > 0.5) & known, found & known
    hits, stated = counted @ (positive & found), counted @ positive + counted @ found
    f1 = np.divide(2 * hits, stated, out=np.full(hits.shape, np.nan), where=stated > 0)
    return f1[0] if weight is None or np.ndim(weight) == 1 else f1


def patient_draws(patient: np.ndarray, draws: int = DRAWS, seed: int = 0) -> np.ndarray:
    """Weights (D, N): patients drawn with replacement, each bringing all their recordings."""
    _, index = np.unique(patient, return_inverse=True)
    n = index.max() + 1
    rng = np.random.default_rng(seed)
    times = np.stack([np.bincount(rng.integers(0, n, n), minlength=n) for _ in range(draws)])
    return times[:, index]


def interval(of: Callable[[np.ndarray | None], np.ndarray], draws: np.ndarray) -> Interval:
    """A macro figure with its interval; ``of(weights)`` gives the labels' figures, (L,) for None, (D, L) for (D, N)."""
    value = float(np.nanmean(of(None)))
    drawn = of(draws)
    drawn = np.nanmean(drawn[~np.isnan(drawn).all(axis=1)], axis=1)  # small sets: a draw may lack one kind of all
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Interval(value, float(low), float(high))
