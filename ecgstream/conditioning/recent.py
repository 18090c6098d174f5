"""The newest conditioned samples of many rows, kept once for all who look back."""

from __future__ import annotations

import numpy as np
from numba import njit

from ..rows import grown
from ..waveform import HOP_SAMPLES, N_LEADS, Conditioned

RECENT = 6 * HOP_SAMPLES
"""Grid samples kept of each lead; sample n lies at place n mod RECENT."""


class Recent:
    """What came before the block that is being looked at: ``ecg_mv`` float32 (rows, N_LEADS, RECENT).

    Whoever owns it calls ``begin`` before any room looks at a block, and ``keep`` when all have.
    """

    def __init__(self, n_rows: int = 0):
        self.ecg_mv = np.zeros((n_rows, N_LEADS, RECENT), np.float32)

    def grow(self, n_rows: int) -> None:
        """Make room for ``n_rows`` rows in all; those already there keep their samples."""
        self.ecg_mv = grown(self.ecg_mv, n_rows)

    def reset(self, rows: np.ndarray) -> None:
        """Forget the samples of ``rows`` (int64)."""
        self.ecg_mv[rows] = 0

    def begin(self, block: Conditioned) -> None:
        """Nothing came before a segment that begins."""
        self.reset(block.rows[block.new_segment])

    def keep(self, block: Conditioned) -> None:
        """Take the block's samples in."""
        _keep(self.ecg_mv, block.rows, block.first_hop, block.ecg_mv)


@njit(cache=True, nogil=True)
def _keep(kept, rows, first_hop, ecg):
    n_samples = ecg.shape[2]
    start = max(n_samples - RECENT, 0)
    for r in range(len(rows)):
        for lead in range(N_LEADS):
            ring, new = kept[rows[r], lead], ecg[r, lead]
            for first in range(start, n_samples, HOP_SAMPLES):  # whole hops, none of which lies across the ring's end
                place = (first_hop[r] * HOP_SAMPLES + first) % RECENT
                hop, samples = ring[place : place + HOP_SAMPLES], new[first : first + HOP_SAMPLES]
                for t in range(HOP_SAMPLES):
                    hop[t] = samples[t]


@njit(cache=True, nogil=True)
def look_back(ring, stop, out):
    """The samples of one lead's ring before grid sample ``stop``, as many as ``out`` (n,) takes, RECENT at most."""
    place = (stop - len(out)) % RECENT
    n_first = min(RECENT - place, len(out))
    first, rest = ring[place : place + n_first], out[n_first:]
    for i in range(n_first):
        out[i] = first[i]
    for i in range(len(rest)):
        rest[i] = ring[i]
