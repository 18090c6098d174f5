"""The rhythm of every row's last half minute: normal, atrial fibrillation, another, or too noisy to tell."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from ..heads import Head, load_head
from ..heads.shipped import if_usable
from ..rows import RowRecords
from ..strips import StripMeasures
from ..strips.measures import LAG_SAMPLES, STRIP_SAMPLES
from ..waveform import HOP_SAMPLES, Beats, Conditioned

NAMES = ("strip.normal", "strip.af", "strip.other", "strip.noise")
"""Names of the scores, in the order of the head's classes."""
CLASSES = ("N", "A", "O", "~")
_AF = CLASSES.index("A")
END_SHARE = 0.5
"""Fibrillation that was stated is over once its probability is below this share of its threshold."""
_ROW = np.dtype([("probability", np.float32, (len(CLASSES),)), ("fibrillates", bool), ("onset", np.int64)])


@cache
def shipped_rhythm_head() -> Head | None:
    """The shipped head, read once; None (and a line in the log) where it cannot be used."""
    return if_usable(lambda: load_head("rhythm"), "rhythm head unavailable; atrial fibrillation is not told")


@dataclass(slots=True)
class StripScores:
    """What the rhythm head says, hop by hop; it speaks every few seconds and holds between."""

    values: np.ndarray  # float32 (R, n_hops, 4), as NAMES; NaN before the first strip is full, and where it is unusable
    fibrillates: np.ndarray  # bool (R, n_hops)
    onset: np.ndarray  # int64 (R, n_hops), grid sample at which the first strip that fibrillated began; -1 without


class StripRhythms(RowRecords):
    """The rhythm head over every row's strips; any cut of the same hops into steps says the same.

    Without a head nothing is said.
    """

    def __init__(self, head: Head | None, n_rows: int = 0):
        super().__init__(n_rows, _fresh, _ROW)
        self.head, self.measures = head, StripMeasures(n_rows)

    def grow(self, n_rows: int) -> None:
        """Make room for ``n_rows`` rows in all."""
        super().grow(n_rows)
        self.measures.grow(n_rows)

    def reset(self, rows: np.ndarray) -> None:
        """Forget the rows' strips and what was said of them."""
        super().reset(rows)
        self.measures.reset(rows)

    def save(self, row: int) -> bytes:
        """The strip of a row and what was said of it."""
        return super().save(row) + self.measures.save(row)

    def restore(self, row: int, saved: bytes) -> None:
        """Go on with a row from what ``save`` gave. Raises ValueError when it is of another form."""
        super().restore(row, saved[: _ROW.itemsize])
        self.measures.restore(row, saved[_ROW.itemsize :])

    def step(self, signal: Conditioned, beats: Beats) -> StripScores:
        """What is said of the hops of a block, given the beats confirmed in them."""
        self.reset(signal.rows[signal.new_segment])
        due = self.measures.step(signal, beats)
        probability = np.full((len(due.hop), len(CLASSES)), np.nan, np.float32)
        if self.head is not None:
            probability[due.measured] = self.head.probability(due.features[due.measured])
        said = np.repeat(self._state[signal.rows][:, None], signal.n_hops, 1)
        for place, hop, found in zip(due.place.tolist(), due.hop.tolist(), probability, strict=True):
            stop = (int(signal.first_hop[place]) + hop + 1) * HOP_SAMPLES
            said[place, hop:] = self._state_after(said[place, hop], found, stop)
        self._state[signal.rows] = said[:, -1]
        return StripScores(said["probability"], said["fibrillates"], said["onset"])

    def leave_out(self, signal: Conditioned) -> StripScores:
        """The same where strips are not followed: nothing is said, but fibrillation that was stated stays so until a
        strip tells otherwise. Strips begin anew behind the block."""
        self.reset(signal.rows[signal.new_segment])
        self.measures.leave_out(signal.rows)
        self._state["probability"][signal.rows] = np.nan
        held = np.repeat(self._state[signal.rows][:, None], signal.n_hops, 1)
        return StripScores(held["probability"], held["fibrillates"], held["onset"])

    def _state_after(self, before: np.void, probability: np.ndarray, stop: int) -> np.ndarray:
        """``before`` and the strip measured at grid sample ``stop``; one that could not be changes no opinion."""
        fibrillates = bool(before["fibrillates"])
        if self.head is not None and np.isfinite(probability[_AF]):
            least = self.head.manifest.thresholds[CLASSES[_AF]] * (END_SHARE if fibrillates else 1.0)
            fibrillates = bool(probability[_AF] >= least)
        begun = before["onset"] if before["fibrillates"] else stop - LAG_SAMPLES - STRIP_SAMPLES
        return np.array((probability, fibrillates, begun if fibrillates else -1), _ROW)


def _fresh(n_rows: int) -> np.ndarray:
    state = np.zeros(n_rows, _ROW)
    state["probability"], state["onset"] = np.nan, -1
    return state
