"""Fibrillatory and flutter waves of every row by the fibrillation head, once a second, beside the rules' own word."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import structlog

from ..errors import ModelError
from ..heads import Head, load_head
from ..heads.shipped import if_usable
from ..rhythm.state import FIBRILLATION_HOPS
from ..rhythm.waves import FEATURES, WAVE_HOPS
from ..rows import RowRecords
from ..waveform import HOP_SAMPLES, Condition, Conditioned, RhythmResult

NAME = "fibrillation"
CLASSES = ("other", "VF")
SMOOTHING = 0.6
"""Share of a second's log-odds in their running mean."""
_SURE = 1e-4
_SIZE = FEATURES.index("size")
_VF = int(Condition.VENTRICULAR_FIBRILLATION)
_ROW = np.dtype([("log_odds", np.float64), ("fibrillates", bool), ("onset", np.int64)])


log = structlog.get_logger()


def load_fibrillation_head(folder: Path | None = None) -> Head:
    """The shipped fibrillation head, or the one in ``folder``; ModelError when it was fitted on other measures."""
    head = load_head(NAME, folder)
    if head.manifest.features != FEATURES or set(head.manifest.thresholds) != {"begin", "end"}:
        raise ModelError(
            f"The fibrillation head {head.version} was fitted on other measures than this program takes of a wave; "
            "fit it again (ecgstream heads fibrillation)."
        )
    return head


@cache
def shipped_fibrillation_head() -> Head | None:
    """The shipped head, read once; None (and a line in the log) where it cannot be used."""
    return if_usable(load_fibrillation_head, "fibrillation head unavailable; rules go on")


@dataclass(slots=True)
class WaveEvidence:
    """What the head says, hop by hop; it speaks once a second and holds between."""

    fibrillates: np.ndarray  # bool (R, n_hops)
    onset: np.ndarray  # int64 (R, n_hops), grid sample where the first window that fibrillated began; -1 without

    def add_to(self, evidence: np.ndarray, onset: np.ndarray, from_model: np.ndarray) -> None:
        """Add to evidence, onset and ``from_model`` (R, n_hops, N_CONDITIONS) of the rules; take nothing away."""
        alone = self.fibrillates & ~evidence[:, :, _VF]
        evidence[:, :, _VF] |= alone
        from_model[:, :, _VF] |= alone
        onset[:, :, _VF] = np.where(alone, self.onset, onset[:, :, _VF])


class WaveRhythms(RowRecords):
    """The head over the measured waves of all rows; any cut of the same hops into steps says the same.

    Each main lead is judged alone. The mean of their log-odds, smoothed over seconds, begins fibrillation above the
    head's threshold "begin" and ends it below "end". A second that is not measured ends it, and the smoothing. Without
    a head nothing is said.
    """

    def __init__(self, head: Head | None, n_rows: int = 0):
        super().__init__(n_rows, _fresh, _ROW)
        self.head = head
        thresholds = head.manifest.thresholds if head else {"begin": 1.0, "end": 1.0}
        self._begin, self._end = log_odds(thresholds["begin"]), log_odds(thresholds["end"])

    def step(self, signal: Conditioned, rhythm: RhythmResult) -> WaveEvidence:
        """What is said of the hops of a block, from the waves that the rhythm room measured in them."""
        self.reset(signal.rows[signal.new_segment])
        state = self._state[signal.rows]
        said = np.repeat(state[:, None], signal.n_hops, 1)
        found = self._judge(rhythm.waves)
        hop = signal.first_hop[:, None] + np.arange(signal.n_hops)
        due = (hop + 1) % WAVE_HOPS == 0
        for k in np.flatnonzero(due.any(0)).tolist():
            rows = np.flatnonzero(due[:, k])
            state[rows] = self._after(state[rows], found[rows, k], (hop[rows, k] + 1) * HOP_SAMPLES)
            said[rows, k:] = state[rows, None]
        self._state[signal.rows] = state
        return WaveEvidence(said["fibrillates"], said["onset"])

    def _judge(self, waves: np.ndarray) -> np.ndarray:
        """Mean log-odds of the leads (R, n_hops); NaN where none is measured."""
        found = np.full(waves.shape[:3], np.nan)
        measured = np.isfinite(waves[:, :, :, _SIZE])
        if self.head is not None and measured.any():
            try:
                found[measured] = log_odds(self.head.probability(waves[measured])[:, 1])
            except Exception as error:  # rules outlive models, whatever the model did
                log.error("fibrillation head lost; rules go on", fault=f"{type(error).__name__}: {error}")
                self.head = None
        known = np.isfinite(found).sum(2)
        # Not np.nanmean: to silence it about means of nothing is for a process of one thread.
        return np.divide(np.nansum(found, 2), known, out=np.full(known.shape, np.nan), where=known > 0)

    def _after(self, before: np.ndarray, found: np.ndarray, stop: np.ndarray) -> np.ndarray:
        """``before`` (K,) and the log-odds found in the second that ends at grid samples ``stop``."""
        after = before.copy()
        mean = before["log_odds"] + SMOOTHING * (found - before["log_odds"])
        after["log_odds"] = np.where(np.isnan(before["log_odds"]), found, mean)
        after["fibrillates"] = after["log_odds"] > np.where(before["fibrillates"], self._end, self._begin)
        begun = np.where(before["fibrillates"], before["onset"], stop - FIBRILLATION_HOPS * HOP_SAMPLES)
        after["onset"] = np.where(after["fibrillates"], begun, -1)
        return after


def log_odds(probability: np.ndarray | float) -> np.ndarray:
    """Of a probability, which is never taken for quite sure."""
    sure = np.clip(probability, _SURE, 1 - _SURE)
    return np.log(sure / (1 - sure))


def _fresh(n_rows: int) -> np.ndarray:
    state = np.zeros(n_rows, _ROW)
    state["log_odds"], state["onset"] = np.nan, -1
    return state
