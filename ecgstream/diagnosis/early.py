"""How readily a beat is told S (supraventricular): hardly where the atria are in no order, readily where many are S.

A head's threshold is chosen where such beats are rare. Constants were chosen on DS1, by folds (docs/beats.md).
"""

from __future__ import annotations

import numpy as np

from ..beats import FEATURES
from ..rows import RowRecords

TOLD = ("N", "S", "V", "F")
"""Classes that the head tells. Q is what nobody could class: DS1 has a dozen such beats, too few to learn."""
TAUGHT = (*TOLD, "A")
"""Classes that it is taught: A is N where the atria fibrillate or flutter."""
LESS_LIKELY = 0.05
"""S, where the atria are in no order: no beat comes before its time there, but rhythms of many premature beats are
taken for fibrillation, too."""
UNLIKELY_UNORDERED, LIKELY_UNORDERED = 0.2, 0.5
"""Probabilities of A: below the one it is in doubt that the atria fibrillate, whatever is stated; above the other they
do."""
P_ADDS_UP, STEADY = 0.3, 0.1
"""Atria are in order where the usual P wave is so well formed, or intervals change by less (over their median)."""
SPAN_BEATS = 128
BEYOND_DOUBT = 12.0
"""Odds for S from which a beat counts among those that were S beyond doubt."""
MANY = 0.08
"""From such a share of the last beats on, S is not rare."""
WHERE_MANY = 0.5
"""The threshold of S against N then; against other classes it is what it was."""
_N, _S = (TOLD.index(name) for name in ("N", "S"))
_P_LIKE, _JITTER = FEATURES.index("p_usual_like"), FEATURES.index("jitter32")
_ROW = np.dtype([("share", np.float64)])
_LEAST = 1e-4


def weighed(probability: np.ndarray, features: np.ndarray, fibrillates: np.ndarray) -> np.ndarray:
    """How likely TOLD are, (K, 4), from what the head says of TAUGHT, (K, 5): A is N, and counts half against S.

    S is less likely where the atria are in no order: where fibrillation is stated, bool (K,), and the head does not
    doubt it, where the head says A, or where by ``features`` (K, F) neither P waves add up nor intervals are steady.
    """
    normal, early, *others, unordered = probability.T
    both = normal + unordered
    early = early * np.sqrt(np.maximum(both, _LEAST) / np.maximum(normal, _LEAST))
    p_like, jitter = features[:, _P_LIKE], features[:, _JITTER]
    no_order = (p_like < P_ADDS_UP) & (jitter > STEADY) | (unordered > LIKELY_UNORDERED)
    no_order |= fibrillates & (unordered > UNLIKELY_UNORDERED)
    return np.stack([both, np.where(no_order, LESS_LIKELY * early, early), *others], 1)


class EarlyBeats(RowRecords):
    """Remembers what share of each row's last beats were S beyond doubt, and tells classes by it."""

    def __init__(self, n_rows: int = 0):
        super().__init__(n_rows, lambda rows: np.zeros(rows, _ROW), _ROW)

    def told(
        self, row: np.ndarray, likely: np.ndarray, features: np.ndarray, thresholds: dict[str, float]
    ) -> np.ndarray:
        """Index into TOLD of K beats, int64 (K,): the class that is likeliest against its threshold.

        Beats are in the order of their row (int64 (K,)), then time; ``likely`` (K, 4) as ``weighed`` gives it,
        ``features`` (K, F).
        """
        against = likely / np.array([thresholds[name] for name in TOLD])
        label, early = against.argmax(1), likely[:, _S]
        others = np.delete(against, _S, 1).max(1)
        many = self._shares(row, early > BEYOND_DOUBT * np.maximum(others, _LEAST)) > MANY
        ordered = (features[:, _P_LIKE] > P_ADDS_UP) | (features[:, _JITTER] < STEADY)
        label[many & ordered & (label == _N) & (early > WHERE_MANY * against[:, _N])] = _S
        return label

    def _shares(self, row: np.ndarray, beyond_doubt: np.ndarray) -> np.ndarray:
        """The share before each beat (K,); the rows' own goes on behind the last."""
        share, before = self._state["share"], np.empty(len(row))
        for place, (at, counts) in enumerate(zip(row.tolist(), beyond_doubt.tolist(), strict=True)):
            before[place] = share[at]
            share[at] += (counts - share[at]) / SPAN_BEATS
        return before
