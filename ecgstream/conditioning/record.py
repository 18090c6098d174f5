"""A whole recording through the daemon's own conditioning."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from ..waveform import CODE_MISSING, GRID_HZ, HOP_SAMPLES, Conditioned, RawBlock, history_samples
from .conditioner import Conditioner


def condition_record(
    signal_adu: np.ndarray,
    fs_hz: Fraction,
    slots: Sequence[int],
    mv_per_adu: Sequence[float],
    baseline_adu: Sequence[float],
    mains_hz: int,
) -> Conditioned:
    """Condition a record as one row; only hops whose samples are all there are returned.

    ``signal_adu`` int16 (channels, samples), ``CODE_MISSING`` where nothing was recorded; the sequences hold one entry
    a channel: lead slot, mV per adu, adu at 0 mV.
    """
    return Conditioner(mains_hz, 1).step(record_block(signal_adu, fs_hz, slots, mv_per_adu, baseline_adu))


def record_block(
    signal_adu: np.ndarray,
    fs_hz: Fraction,
    slots: Sequence[int],
    mv_per_adu: Sequence[float],
    baseline_adu: Sequence[float],
) -> RawBlock:
    """The record as one block of one row, as intake would cut it: all complete hops, nothing before the start."""
    n_channels, n_native = signal_adu.shape
    history = history_samples(fs_hz)
    before = np.full((n_channels, history), CODE_MISSING, np.int16)
    zero = np.zeros(1, np.int64)
    return RawBlock(
        rows=zero,
        n_hops=int(-(-n_native * GRID_HZ // fs_hz)) // HOP_SAMPLES,
        first_hop=zero,
        segment_hop=zero,
        new_segment=np.ones(1, bool),
        fs_hz=Fraction(fs_hz),
        history=history,
        first_native=zero,
        raw=np.concatenate([before, signal_adu], axis=1)[None],
        slots=np.asarray(slots, np.int64)[None],
        mv_per_adu=np.asarray(mv_per_adu, np.float32)[None],
        baseline_adu=np.asarray(baseline_adu, np.float32)[None],
    )
