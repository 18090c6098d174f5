"""How well stated rhythms agree with people's, by the formula of CinC 2017 (Clifford et al. 2017)."""

from __future__ import annotations

from typing import Any

import numpy as np

from .examples import CLASSES

_KEYS = ("N", "A", "O", "noise")


def score(records: list[str], was: np.ndarray, probability: np.ndarray) -> dict[str, Any]:
    """F1 of each class, their mean over N, A and O as the challenge has it, confusion, and every strip's probabilities.

    ``was`` int64 (N,), index into CLASSES; ``probability`` (N, 4), the greatest of which is what is said. A class that
    was neither there nor said has no F1 (None), and does not count in the mean.
    """
    said = probability.argmax(1)
    f1 = {key: _f1(was == k, said == k) for k, key in enumerate(_KEYS)}
    known = [f1[key] for key in _KEYS[:3] if f1[key] is not None]
    return {
        "n": len(was),
        "f1": f1,
        "f1_mean": float(np.mean(known)) if known else None,
        "confusion": {
            by: {of: int(((said == k) & (was == j)).sum()) for j, of in enumerate(CLASSES)}
            for k, by in enumerate(CLASSES)
        },
        "records": [
            {"record": name, "was": CLASSES[of], "said": CLASSES[by], "probability": np.round(chances, 4).tolist()}
            for name, of, by, chances in zip(records, was, said, probability, strict=True)
        ],
    }


def _f1(was: np.ndarray, said: np.ndarray) -> float | None:
    counted = int(was.sum() + said.sum())
    return 2 * int((was & said).sum()) / counted if counted else None
