"""What the encoder says of beats, token by token, read at a beat's time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..waveform import GRID_HZ, HOP_SAMPLES

HOP_TOKENS = 5
TOKEN_SAMPLES = HOP_SAMPLES // HOP_TOKENS


@dataclass(slots=True)
class BeatProbs:
    """What the encoder says of the beats, token by token (25 a second), for the hops of a block."""

    probs: np.ndarray  # float32 (R, 5 n_hops, 6), N S V F Q none; NaN where withheld
    delay_s: float  # a token tells of this much before its own time, besides the conditioning's delay


def tokens_of(sample: np.ndarray, delay_samples: np.ndarray | float, delay_s: float) -> np.ndarray:
    """The token (counted as ``sample`` is, on the grid) that tells of a beat at grid sample ``sample``."""
    return np.floor((sample + delay_samples + delay_s * GRID_HZ) / TOKEN_SAMPLES).astype(np.int64)


def class_probs(tokens: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Class probabilities (K, 5) given a beat, from ``tokens`` (T, 5) over token ``at`` (K,) and its neighbours.

    NaN where they are withheld or lie outside.
    """
    seen = (at >= 1) & (at + 1 < len(tokens))
    near = at.clip(1, max(len(tokens) - 2, 1))[:, None] + np.arange(-1, 2)
    total = tokens[near].sum(1)
    return np.where(seen[:, None], total / total.sum(1, keepdims=True), np.nan).astype(np.float32)
