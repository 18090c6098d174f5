"""Beats and lethal rhythms of many rows, by rules alone."""

from __future__ import annotations

import numpy as np

from ..conditioning.recent import Recent
from ..limits import limits_of
from ..rows import RowRecords
from ..waveform import N_CONDITIONS, Beats, Conditioned, RhythmResult
from .energy import ENERGY_DELAY
from .kernel import MOST_BEATS_PER_HOP, step_rows
from .state import KEPT, N_MAIN_LEADS, fresh
from .waves import FEATURES


class Rhythm(RowRecords):
    """Streaming beat detection, rates and rules of many rows; state carried between steps.

    Cutting the same hops into different steps, or beside other rows, gives identical results. ``limits`` (LIMITS_DTYPE,
    one a row) is what the rows are judged by. ``recent``: what came before each block, kept by whoever passes it;
    without it this room keeps its own.
    """

    def __init__(self, n_rows: int = 0, limits: np.ndarray | None = None, recent: Recent | None = None):
        super().__init__(n_rows, fresh, KEPT)
        self._own = Recent(n_rows) if recent is None else None
        self._recent = recent or self._own
        self._default_limits = limits_of() if limits is None else limits
        self.limits = np.repeat(self._default_limits, n_rows)

    def grow(self, n_rows: int) -> None:
        """Make room for ``n_rows`` rows in all; those already there keep their state."""
        super().grow(n_rows)
        if self._own:
            self._own.grow(n_rows)
        self.limits = np.concatenate([self.limits, np.repeat(self._default_limits, n_rows - len(self.limits))])

    def reset(self, rows: np.ndarray) -> None:
        """Forget everything about ``rows`` (int64), their limits included."""
        super().reset(rows)
        if self._own:
            self._own.reset(rows)
        self.limits[rows] = self._default_limits

    def step(self, signal: Conditioned, pulse: np.ndarray | None = None) -> RhythmResult:
        """Beats, evidence and rates of the block's hops.

        Beats come out within ``DETECTION_DELAY_S`` of their QRS, conditioning's delay aside; their times, and onsets,
        have both delays taken off. ``pulse`` int8 (R, n_hops): 1 where pleth or arterial pressure shows a pulse (a flat
        line on all leads is then the leads' fault), 0 where not, -1 where that was not asked; None: neither is heard.
        """
        starting = signal.rows[signal.new_segment]
        self._state[starting] = fresh(len(starting))
        if self._own:
            self._own.begin(signal)
        # Not 0 where a segment is entered midway: rings over hops must lie as they would have lain.
        self._state["hops"][starting] = (signal.first_hop - signal.segment_hop)[signal.new_segment]
        result = _empty(len(signal.rows), signal.n_hops)
        most = len(signal.rows) * signal.n_hops * MOST_BEATS_PER_HOP
        beats = (np.empty(most, np.int64), np.empty(most, np.int64), np.empty(most, bool), np.empty(most, np.int64))
        in_noise = (np.empty(most, np.int64), np.empty(most, np.int64), np.empty(most, np.int64))
        count, count_in_noise = step_rows(
            self._state,
            self._recent.ecg_mv,
            signal.rows,
            signal.first_hop,
            np.rint(signal.delay_samples + ENERGY_DELAY).astype(np.int64),
            (signal.ecg_mv, signal.valid, signal.reason, signal.quality),
            np.zeros(result.reason.shape, np.int8) if pulse is None else pulse.astype(np.int8),
            self.limits,
            beats,
            in_noise,
            (
                *(result.evidence, result.onset, result.reason, result.hr_bpm, result.pvc_per_min),
                *(result.standstill, result.waves, result.pulse_beside, result.judged_bpm),
            ),
        )
        if self._own:
            self._own.keep(signal)
        result.beats = Beats(*(column[:count] for column in beats))
        row, sample, hop = (column[:count_in_noise] for column in in_noise)
        result.beats_in_noise = Beats(row, sample, np.zeros(count_in_noise, bool), hop)
        return result


def _empty(n_rows: int, n_hops: int) -> RhythmResult:
    nothing = np.empty(0, np.int64)
    return RhythmResult(
        beats=Beats(nothing, nothing, np.empty(0, bool), nothing),
        evidence=np.zeros((n_rows, n_hops, N_CONDITIONS), bool),
        onset=np.full((n_rows, n_hops, N_CONDITIONS), -1, np.int64),
        reason=np.zeros((n_rows, n_hops), np.uint8),
        hr_bpm=np.full((n_rows, n_hops), np.nan, np.float32),
        pvc_per_min=np.full((n_rows, n_hops), np.nan, np.float32),
        standstill=np.zeros((n_rows, n_hops), bool),
        pulse_beside=np.zeros((n_rows, n_hops), bool),
        beats_in_noise=Beats(nothing, nothing, np.empty(0, bool), nothing),
        judged_bpm=np.zeros((n_rows, n_hops, N_CONDITIONS), np.float32),
        waves=np.full((n_rows, n_hops, N_MAIN_LEADS, len(FEATURES)), np.nan, np.float32),
    )
