"""How well probabilities agree with what people called acceptable."""

from __future__ import annotations

from typing import Any

import numpy as np

CLASSES = ("acceptable", "unacceptable")


def score(records: list[str], was: np.ndarray, probability: np.ndarray, threshold: float) -> dict[str, Any]:
    """Accuracy, AUC (by ranks, ties counting half), confusion and each record's probability.

    ``was`` bool (N,), unacceptable; ``probability`` (N,) of that; ``threshold`` from which it is said.
    """
    said = probability >= threshold
    confusion = {
        f"said_{CLASSES[int(by)]}": {CLASSES[int(of)]: int(((said == by) & (was == of)).sum()) for of in (False, True)}
        for by in (False, True)
    }
    listed = [
        {"record": name, "was": CLASSES[int(bad)], "unacceptable": round(float(chance), 4)}
        for name, bad, chance in zip(records, was, probability, strict=True)
    ]
    return {
        "n": len(was),
        "accuracy": float((said == was).mean()),
        "auc": _auc(probability[was], probability[~was]),
        "confusion": confusion,
        "records": listed,
    }


def _auc(bad: np.ndarray, good: np.ndarray) -> float | None:
    """Mann-Whitney: how often a bad record gets the greater probability; None when there are not both."""
    if not (len(bad) and len(good)):
        return None
    more = bad[:, None] - good
    return float((more > 0).mean() + (more == 0).mean() / 2)
