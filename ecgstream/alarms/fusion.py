"""Model scores beside rule evidence: the model may add evidence, never remove any.

A score counts once it has stayed at or above its threshold for its hold time in consecutive hops; its evidence then
lasts as long as the score does. A withheld score (NaN) or a hop that never came ends the run. Where rules and model
agree the evidence is the rules'. As a lethal alarm on the model's word alone must be rare to be believed, its score
must also reach ``LETHAL_ALONE_MIN`` while the noise score stays below ``NOISE_MAX``.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numba import njit

from ..waveform import GRID_HZ, HOP_SAMPLES, LETHAL, Condition

HOLD_S = {
    Condition.VENTRICULAR_FIBRILLATION: 4.0,
    Condition.VENTRICULAR_TACHYCARDIA: 3.0,
}
SCORE_NAMES = {
    Condition.VENTRICULAR_FIBRILLATION: "rhythm.vf",
    Condition.VENTRICULAR_TACHYCARDIA: "rhythm.vt",
}
LETHAL_ALONE_MIN = 0.9
NOISE_MAX = 0.5
_NO_COLUMN = -1


class Fusion:
    """Runs of high scores per row. A model that lacks a score or its threshold has no say in that condition."""

    def __init__(self, n_rows: int, score_names: tuple[str, ...], thresholds: Mapping[str, float]):
        heard = [c for c, name in SCORE_NAMES.items() if name in score_names and name in thresholds]
        self._conditions = np.array(heard, dtype=np.int64)
        self._columns = np.array([score_names.index(SCORE_NAMES[c]) for c in heard], dtype=np.int64)
        self._minimum = np.array([_minimum(c, thresholds[SCORE_NAMES[c]]) for c in heard])
        self._hold = np.array([round(HOLD_S[c] * GRID_HZ / HOP_SAMPLES) for c in heard], dtype=np.int64)
        self._lethal = np.array([c in LETHAL for c in heard], dtype=bool)
        self._noise_column = score_names.index("noise") if "noise" in score_names else _NO_COLUMN
        self._run = np.zeros((n_rows, len(heard)), dtype=np.int64)  # hops
        self._next_hop = np.zeros(n_rows, dtype=np.int64)

    def grow(self, n_rows: int) -> None:
        """Make room for ``n_rows`` rows in all."""
        more = n_rows - len(self._next_hop)
        self._run = np.concatenate([self._run, np.zeros((more, self._run.shape[1]), dtype=np.int64)])
        self._next_hop = np.concatenate([self._next_hop, np.zeros(more, dtype=np.int64)])

    def reset(self, rows: np.ndarray) -> None:
        """Forget the rows' runs."""
        self._run[rows] = 0
        self._next_hop[rows] = 0

    def save(self, row: int) -> bytes:
        """The runs of a row."""
        return np.append(self._run[row], self._next_hop[row]).tobytes()

    def restore(self, row: int, saved: bytes) -> None:
        """Go on with a row from what ``save`` gave with the same model. Raises ValueError when it has another form."""
        kept = np.frombuffer(saved, np.int64).reshape(self._run.shape[1] + 1)
        self._run[row], self._next_hop[row] = kept[:-1], kept[-1]

    def step(
        self, rows: np.ndarray, first_hop: np.ndarray, evidence: np.ndarray, onset: np.ndarray, scores: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Evidence, onset and ``from_model`` (all (R, H, N_CONDITIONS)) of rules and model together.

        rows, first_hop int64 (R,); evidence bool, onset int64 (R, H, N_CONDITIONS) of the rules, left as they are;
        scores float32 (R, H, S), NaN where withheld. A model's onset is where its run began.
        """
        fused = (evidence.copy(), onset.copy(), np.zeros_like(evidence))
        self._run[rows[first_hop != self._next_hop[rows]]] = 0
        hops = map(np.ascontiguousarray, (rows, first_hop, self._high(scores)))
        _add(*fused, *hops, self._run, self._conditions, self._hold)
        self._next_hop[rows] = first_hop + evidence.shape[1]
        return fused

    def _high(self, scores: np.ndarray) -> np.ndarray:
        """bool (R, H, heard): NaN compares as not high."""
        high = scores[:, :, self._columns] >= self._minimum
        if self._noise_column != _NO_COLUMN:
            quiet = scores[:, :, self._noise_column] < NOISE_MAX
            high &= quiet[:, :, None] | ~self._lethal
        return high


def _minimum(condition: Condition, threshold: float) -> float:
    return max(threshold, LETHAL_ALONE_MIN) if condition in LETHAL else threshold


@njit(cache=True, nogil=True)
def _add(
    evidence: np.ndarray,  # bool (R, H, N_CONDITIONS), and the next two: added to
    onset: np.ndarray,  # int64
    from_model: np.ndarray,  # bool
    rows: np.ndarray,  # int64 (R,)
    first_hop: np.ndarray,  # int64 (R,)
    high: np.ndarray,  # bool (R, H, heard)
    run: np.ndarray,  # int64 (rows of the room, heard): carried
    conditions: np.ndarray,  # int64 (heard,)
    hold: np.ndarray,  # int64 (heard,), hops
) -> None:
    for place, row in enumerate(rows):
        for h in range(high.shape[1]):
            for k, c in enumerate(conditions):
                run[row, k] = run[row, k] + 1 if high[place, h, k] else 0
                if run[row, k] >= hold[k] and not evidence[place, h, c]:
                    evidence[place, h, c] = from_model[place, h, c] = True
                    onset[place, h, c] = (first_hop[place] + h + 1 - run[row, k]) * HOP_SAMPLES
