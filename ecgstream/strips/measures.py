"""The last half minute of many rows, measured every few seconds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..rows import RowRecords
from ..waveform import HOP_SAMPLES, Beats, Conditioned
from .features import FEATURES, STRIP_HOP, measure_strip
from .kernel import EVERY_HOPS, step_rows
from .state import BEATS, LAG_HOPS, ROW, STRIP_HOPS, fresh

STRIP_SAMPLES = STRIP_HOPS * HOP_SAMPLES
LAG_SAMPLES = LAG_HOPS * HOP_SAMPLES


@dataclass(slots=True)
class MeasuredStrips:
    """Strips that were due in a block, K of them, in order of row, then hop."""

    place: np.ndarray  # int64 (K,), index into the block's rows
    hop: np.ndarray  # int64 (K,), hop of the block in which the strip was measured
    measured: np.ndarray  # bool (K,), False where too little of it is there, or usable
    features: np.ndarray  # float64 (K, F), meaningless where not measured


class StripMeasures(RowRecords):
    """Keeps 30 s of each row's lead and beats; any cut of the same hops into steps measures the same."""

    def __init__(self, n_rows: int = 0):
        super().__init__(n_rows, fresh, ROW)

    def leave_out(self, rows: np.ndarray) -> None:
        """Forget what is kept of ``rows``: their next strip is full half a minute after they are stepped again."""
        self.reset(rows[(self._state["lead"][rows] >= 0) | (self._state["n_beats"][rows] > 0)])

    def step(self, signal: Conditioned, beats: Beats) -> MeasuredStrips:
        """Take in a block's hops and the beats confirmed in them; the strips that were due."""
        self.reset(signal.rows[signal.new_segment])
        most = len(signal.rows) * (signal.n_hops // EVERY_HOPS + 1)
        told = (
            np.empty(most, np.int64),
            np.empty(most, np.int64),
            np.empty(most, np.int64),
            np.empty((most, STRIP_HOPS * STRIP_HOP), np.float32),
            np.empty((most, BEATS), np.int64),
            np.empty((most, BEATS), np.uint8),
            np.empty((most, STRIP_HOPS), np.float32),
            np.empty((most, STRIP_HOPS), np.uint8),
        )
        count = step_rows(
            self._state,
            signal.rows,
            signal.first_hop,
            np.rint(signal.delay_samples).astype(np.int64),
            (signal.ecg_mv, signal.reason, signal.quality),
            (beats.row, beats.sample, beats.ventricular, beats.confirmed_hop),
            told,
        )
        place, hop, n_beats, ecg, at, ventricular, quality, usable = (column[:count] for column in told)
        features = np.empty((count, len(FEATURES)))
        for k in np.flatnonzero(n_beats >= 0).tolist():
            n = n_beats[k]
            measure_strip(ecg[k], at[k, :n], ventricular[k, :n], quality[k], usable[k], features[k])
        return MeasuredStrips(place, hop, n_beats >= 0, features)
