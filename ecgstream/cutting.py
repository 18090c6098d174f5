"""Fewer hops of a block: as no cut of the same hops changes what is found, whole recordings may go in pieces."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .waveform import HOP_SAMPLES, Conditioned


def cut(block: Conditioned, start: int, stop: int) -> Conditioned:
    """Hops [start, stop) of a block, ``stop`` at most its last."""
    samples = slice(start * HOP_SAMPLES, stop * HOP_SAMPLES)
    return replace(
        block,
        n_hops=stop - start,
        first_hop=block.first_hop + start,
        new_segment=block.new_segment & (start == 0),
        ecg_mv=np.ascontiguousarray(block.ecg_mv[:, :, samples]),
        valid=np.ascontiguousarray(block.valid[:, :, samples]),
        reason=np.ascontiguousarray(block.reason[:, :, start:stop]),
        quality=np.ascontiguousarray(block.quality[:, :, start:stop]),
        pace=np.ascontiguousarray(block.pace[:, samples]),
    )
