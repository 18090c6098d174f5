"""Measures of the beats of many rows, streaming."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..conditioning.recent import Recent
from ..rows import RowRecords
from ..waveform import HOP_SAMPLES, Beats, Conditioned
from .kernel import N_FEATURES, NAMES, step_rows
from .state import KEPT, MOST_FEATURES, fresh

FEATURES = NAMES
"""Names of the columns of ``MeasuredBeats.features``."""
assert N_FEATURES <= MOST_FEATURES


@dataclass(slots=True)
class MeasuredBeats:
    """Beats that are wholly measured. K beats, in order of row, then sample."""

    row: np.ndarray  # int64 (K,)
    sample: np.ndarray  # int64 (K,), grid sample of the QRS
    features: np.ndarray  # float32 (K, len(FEATURES)); NaN where not known


class BeatMeasures(RowRecords):
    """Intervals, shapes and waves of every beat against the row's own; cutting hops differently changes nothing."""

    def __init__(self, n_rows: int = 0, recent: Recent | None = None):
        """``recent``: what came before each block, kept by whoever passes it; without it this room keeps its own."""
        super().__init__(n_rows, fresh, KEPT)
        self._own = Recent(n_rows) if recent is None else None
        self._recent = recent or self._own

    def grow(self, n_rows: int) -> None:
        """Make room for ``n_rows`` rows in all; those already there keep their state."""
        super().grow(n_rows)
        if self._own:
            self._own.grow(n_rows)

    def reset(self, rows: np.ndarray) -> None:
        """Forget everything about ``rows`` (int64)."""
        super().reset(rows)
        if self._own:
            self._own.reset(rows)

    def leave_out(self, block: Conditioned) -> None:
        """Forget the rows; a beat that is measured later is measured as if a segment had begun behind this block."""
        self.reset(block.rows[self._state["n_beats"][block.rows] > 0])
        self._state["clean_from"][block.rows] = (block.first_hop[:, None] + block.n_hops) * HOP_SAMPLES

    def step(self, beats: Beats, block: Conditioned) -> MeasuredBeats:
        """Take in a block and the beats confirmed in it; the beats that are now wholly measured.

        A beat is told in the hop in which the next one is confirmed, or 2.6 s after it when none is.
        """
        starting = block.rows[block.new_segment]
        self.reset(starting)
        self._state["clean_from"][starting] = block.first_hop[block.new_segment, None] * HOP_SAMPLES
        most = len(beats.sample) + len(block.rows)
        out = np.empty(most, np.int64), np.empty(most, np.int64), np.empty((most, N_FEATURES), np.float32)
        delay = np.rint(block.delay_samples).astype(np.int64)
        told = step_rows(
            self._state,
            self._recent.ecg_mv,
            (block.rows, block.first_hop, delay, block.segment_hop),
            (block.ecg_mv, block.valid, block.reason, block.quality),
            (beats.row, beats.sample, beats.ventricular, beats.confirmed_hop),
            out,
        )
        if self._own:
            self._own.keep(block)
        return MeasuredBeats(*(column[:told] for column in out))
