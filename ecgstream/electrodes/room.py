"""The average beats of many rows, and what they say of the electrodes."""

from __future__ import annotations

import numpy as np

from ..rows import RowRecords
from ..waveform import Beats, Conditioned
from .kernel import KEPT, fresh, step_rows


class Electrodes(RowRecords):
    """Carries the average beat of each row; any cut of the same hops into steps tells the same."""

    def __init__(self, n_rows: int = 0):
        super().__init__(n_rows, fresh, KEPT)

    def step(self, signal: Conditioned, beats: Beats) -> np.ndarray:
        """uint8 (R, n_hops), Swap: told of each hop. Takes in a block's hops and the beats confirmed there."""
        self.reset(signal.rows[signal.new_segment])
        told = np.zeros((len(signal.rows), signal.n_hops), np.uint8)
        step_rows(
            self._state,
            signal.rows,
            signal.first_hop,
            np.rint(signal.delay_samples).astype(np.int64),
            (signal.ecg_mv, signal.reason),
            (beats.row, beats.sample, beats.ventricular, beats.confirmed_hop),
            told,
        )
        return told
