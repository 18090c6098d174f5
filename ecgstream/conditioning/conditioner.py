"""Brings every row to one grid: resampling, filters, derived leads, quality. State in, state out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..rows import grown
from ..waveform import HOP_SAMPLES, N_LEADS, Conditioned, RawBlock, Reason
from .design import Resampler, design_filters, design_resampler
from .kernels import N_FILTER_STATE, filter_rows
from .limb_leads import derive_limb_leads
from .quality import N_FEATURES, WINDOW_HOPS, judge_rows


class _State(NamedTuple):
    """What is carried per row and lead. All zeros: nothing yet."""

    filters: np.ndarray  # float64 (rows, N_LEADS, N_FILTER_STATE)
    reach: np.ndarray  # float64 (rows, N_LEADS, 2), how far down and up raw samples have ever gone
    window: np.ndarray  # float64 (rows, N_LEADS, WINDOW_HOPS, N_FEATURES)
    filled: np.ndarray  # int64 (rows, N_LEADS), hops of the window that are set


def _new_state(n_rows: int) -> _State:
    return _State(
        np.zeros((n_rows, N_LEADS, N_FILTER_STATE)),
        np.zeros((n_rows, N_LEADS, 2)),
        np.zeros((n_rows, N_LEADS, WINDOW_HOPS, N_FEATURES)),
        np.zeros((n_rows, N_LEADS), np.int64),
    )


class Conditioner:
    """Resampling, filters, derived leads and quality of many rows; state carried between steps.

    Cutting the same hops into different steps, or beside other rows, gives bit-identical results.
    """

    def __init__(self, mains_hz: int, n_rows: int = 0):
        self._filters = design_filters(mains_hz)
        self._state = _new_state(n_rows)

    def grow(self, n_rows: int) -> None:
        """Make room for ``n_rows`` rows in all; those already there keep their state."""
        self._state = _State(*(grown(array, n_rows) for array in self._state))

    def reset(self, rows: np.ndarray) -> None:
        """Forget all signal memory of ``rows`` (int64)."""
        for array in self._state:
            array[rows] = 0

    def save(self, row: int) -> bytes:
        """Filters and reach of a row; its last WINDOW_HOPS hops tell the rest anew."""
        return np.concatenate((self._state.filters[row], self._state.reach[row]), 1).tobytes()

    def restore(self, row: int, saved: bytes) -> None:
        """Go on with a row from what ``save`` gave; its last hops must have been stepped through just before.

        Raises ValueError when it is of another form.
        """
        kept = np.frombuffer(saved).reshape(N_LEADS, N_FILTER_STATE + 2)
        self._state.filters[row], self._state.reach[row] = np.split(kept, (N_FILTER_STATE,), 1)

    def step(self, block: RawBlock) -> Conditioned:
        """Condition the block's hops. Raises ValueError when the block lacks samples that its hops need."""
        resampler = design_resampler(block.fs_hz)
        _check_reach(block, resampler)
        self.reset(block.rows[block.new_segment])
        out = _empty(block, resampler.delay_samples + self._filters.delay_samples)
        hop, origin = block.first_hop - block.segment_hop, block.history - block.first_native
        places, ratio = (block.rows, hop, origin), (resampler.up, resampler.down)
        signal = (block.raw, block.slots, block.mv_per_adu, block.baseline_adu)
        filters = (self._filters.baseline_step, self._filters.sections)
        unusable = np.empty((*block.slots.shape, block.n_hops * HOP_SAMPLES), np.uint8)
        lacking = np.empty(block.slots.shape, bool)
        filtered = (out.ecg_mv, out.valid, out.pace, unusable, lacking)
        marked = np.zeros((len(block.rows), 0), bool) if block.pacer is None else block.pacer
        filter_rows(places, (*signal, marked), (*ratio, resampler.weights), filters, self._state.filters, filtered)
        judge_rows(places, signal, ratio, (out.ecg_mv, unusable, lacking), self._state[1:], (out.reason, out.quality))
        derive_limb_leads(block.slots, out.ecg_mv, out.valid, out.reason, out.quality)
        return out


def _check_reach(block: RawBlock, resampler: Resampler) -> None:
    hop = block.first_hop - block.segment_hop
    origin = block.history - block.first_native
    oldest = hop * HOP_SAMPLES * resampler.up // resampler.down + origin - resampler.taps + 1
    newest = ((hop + block.n_hops) * HOP_SAMPLES - 1) * resampler.up // resampler.down + origin
    if (oldest < 0).any() or (newest >= block.raw.shape[2]).any():
        raise ValueError(
            f"A block must hold the {resampler.taps} native samples up to each grid sample; this one,"
            f" at {block.fs_hz} Hz, holds {block.raw.shape[2]} with {block.history} of history. Give it"
            " history_samples(fs_hz)."
        )


def _empty(block: RawBlock, delay_samples: float) -> Conditioned:
    n_rows, n_samples = len(block.rows), block.n_hops * HOP_SAMPLES
    return Conditioned(
        block.rows,
        block.n_hops,
        block.first_hop,
        block.segment_hop,
        block.new_segment,
        delay_samples=np.full(n_rows, delay_samples, np.float32),
        ecg_mv=np.zeros((n_rows, N_LEADS, n_samples), np.float32),
        valid=np.zeros((n_rows, N_LEADS, n_samples), bool),
        reason=np.full((n_rows, N_LEADS, block.n_hops), Reason.ABSENT, np.uint8),
        quality=np.zeros((n_rows, N_LEADS, block.n_hops), np.float32),
        pace=np.zeros((n_rows, n_samples), bool),
    )
