"""From logits to probabilities that mean what they say, and from these to findings."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import precision_recall_curve


def platt(logit: np.ndarray, label: np.ndarray) -> tuple[float, float]:
    """Scale and shift of ``logit`` (N,) for probabilities of ``label`` (N,) (Platt 1999). The scale is 0.05 at least,
    so that the order stays. Where there is but one kind: 1 and 0."""
    if label.min() == label.max():
        return 1.0, 0.0
    spread = float(logit.std()) + 1e-6
    fitted = LogisticRegression().fit(logit[:, None] / spread, label)
    return max(float(fitted.coef_[0, 0]) / spread, 0.05), float(fitted.intercept_[0])


def best_threshold(probability: np.ndarray, label: np.ndarray) -> float:
    """The threshold of the highest F1, halfway to the next lower probability; 0.5 where there is no positive."""
    if label.max() == 0:
        return 0.5
    precision, recall, threshold = precision_recall_curve(label, probability)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-9)
    best = int(np.argmax(f1[:-1]))
    below = threshold[best - 1] if best else threshold[best]
    return float((threshold[best] + below) / 2)
