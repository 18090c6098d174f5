"""What the strip room remembers of a row: one record, so that a row's memory is saved, restored and reset whole."""

from __future__ import annotations

import numpy as np

from ..waveform import HOP_S
from .features import STRIP_HOP

STRIP_HOPS = round(30 / HOP_S)
LAG_HOPS = 5
"""A strip ends this long before the hop in which it is measured (1 s), so that all its beats are known."""
RING_HOPS = STRIP_HOPS + LAG_HOPS
BEATS = 160
"""Beats kept: more than a heart of 300 bpm has in the ring."""
MV = 0.001
"""mV of one unit of the strip that is kept."""

ROW = np.dtype(
    [
        ("lead", np.int64),  # slot, -1 for none
        ("poor", np.int64),  # successive hops in which it was not usable
        ("hops", np.int64),  # of the ring that are set
        ("wave", np.int16, (RING_HOPS * STRIP_HOP,)),
        ("quality", np.float32, (RING_HOPS,)),
        ("usable", np.uint8, (RING_HOPS,)),
        ("n_beats", np.int64),
        ("beat_sample", np.int64, (BEATS,)),  # grid sample at which the QRS shows in the conditioned signal
        ("beat_ventricular", np.uint8, (BEATS,)),
    ],
    align=True,
)


def fresh(n_rows: int) -> np.ndarray:
    """Rows that know nothing: ``ROW`` (n_rows,)."""
    rows = np.zeros(n_rows, ROW)
    rows["lead"] = -1
    return rows
