"""The class of each detected beat, from the encoder's token probabilities at the beat's time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..waveform import GRID_HZ, HOP_SAMPLES, Beats, Conditioned

CLASSES = ("N", "S", "V", "F", "Q")
UNKNOWN = -1
HOP_TOKENS = 5
TOKEN_SAMPLES = HOP_SAMPLES // HOP_TOKENS
KEPT_TOKENS = 250
"""Tokens kept per row (10 s): a beat confirmed later than that after its time stays of unknown class."""


@dataclass(slots=True)
class BeatProbs:
    """What the encoder says of the beats, token by token (25 a second), for the hops of a block."""

    probs: np.ndarray  # float32 (R, 5 n_hops, 6), N S V F Q none; NaN where withheld
    delay_s: float  # a token tells of this much before its own time, besides the conditioning's delay


@dataclass(slots=True)
class ClassifiedBeats:
    """Beats whose tokens have all been seen. K beats, in order of row, then sample."""

    row: np.ndarray  # int64 (K,)
    sample: np.ndarray  # int64 (K,), grid sample of the QRS
    label: np.ndarray  # int64 (K,), index into CLASSES, or UNKNOWN where the encoder withheld its opinion
    probs: np.ndarray  # float32 (K, 5), of the classes given that there is a beat; NaN where UNKNOWN


class BeatClasses:
    """Waits for each beat's tokens and gives the beat its class; cutting hops differently changes nothing."""

    def __init__(self, n_rows: int):
        self.kept = np.full((n_rows, KEPT_TOKENS, len(CLASSES)), np.nan, np.float32)
        self.row = np.empty(0, np.int64)  # beats that wait
        self.sample = np.empty(0, np.int64)

    def grow(self, n_rows: int) -> None:
        """Make room for ``n_rows`` rows in all."""
        more = np.full((n_rows - len(self.kept), *self.kept.shape[1:]), np.nan, np.float32)
        self.kept = np.concatenate((self.kept, more))

    def reset(self, rows: np.ndarray) -> None:
        """Forget the tokens and the waiting beats of ``rows``."""
        self.kept[rows] = np.nan
        waiting = ~np.isin(self.row, rows)
        self.row, self.sample = self.row[waiting], self.sample[waiting]

    def save(self, row: int) -> bytes:
        """The beats of a row that wait; the tokens are told anew by the seconds before."""
        return self.sample[self.row == row].tobytes()

    def restore(self, row: int, saved: bytes) -> None:
        """Go on with a row from what ``save`` gave; whatever waited in it is forgotten.

        Raises ValueError when it is of another form.
        """
        waiting, others = np.frombuffer(saved, np.int64), self.row != row
        self.row = np.concatenate((self.row[others], np.full(len(waiting), row)))
        self.sample = np.concatenate((self.sample[others], waiting))

    def step(self, beats: Beats, block: Conditioned, told: BeatProbs) -> ClassifiedBeats:
        """Take in a block's new beats and tokens; the beats that can now be told the class of."""
        self.kept[block.rows[block.new_segment]] = np.nan
        tokens = np.concatenate((self.kept[block.rows], told.probs[:, :, : len(CLASSES)]), 1)
        self.kept[block.rows] = tokens[:, -KEPT_TOKENS:]
        row, sample = np.concatenate((self.row, beats.row)), np.concatenate((self.sample, beats.sample))
        place = np.searchsorted(block.rows, row).clip(max=len(block.rows) - 1)
        token = tokens_of(sample, block.delay_samples[place], told.delay_s) - block.first_hop[place] * HOP_TOKENS
        ready = (block.rows[place] == row) & (token + 1 < told.probs.shape[1])
        self.row, self.sample = row[~ready], sample[~ready]
        probs = class_probs(tokens, token[ready] + KEPT_TOKENS, place[ready])
        return _in_order(row[ready], sample[ready], probs)


def tokens_of(sample: np.ndarray, delay_samples: np.ndarray | float, delay_s: float) -> np.ndarray:
    """The token (counted as ``sample`` is, on the grid) that tells of a beat at grid sample ``sample``."""
    return np.floor((sample + delay_samples + delay_s * GRID_HZ) / TOKEN_SAMPLES).astype(np.int64)


def class_probs(tokens: np.ndarray, at: np.ndarray, row: np.ndarray | None = None) -> np.ndarray:
    """Class probabilities (K, 5) given a beat, over token ``at`` and its neighbours; NaN where not known.

    ``tokens`` (T, 5), or (R, T, 5) with ``row`` (K,).
    """
    seen = at >= 1
    near = np.maximum(at, 1)[:, None] + np.arange(-1, 2)
    total = (tokens[near] if row is None else tokens[row[:, None], near]).sum(1)
    return np.where(seen[:, None], total / total.sum(1, keepdims=True), np.nan).astype(np.float32)


def _in_order(row: np.ndarray, sample: np.ndarray, probs: np.ndarray) -> ClassifiedBeats:
    order = np.lexsort((sample, row))
    row, sample, probs = row[order], sample[order], probs[order]
    known = np.isfinite(probs).all(1)
    label = np.where(known, np.where(known[:, None], probs, 0).argmax(1), UNKNOWN)
    return ClassifiedBeats(row, sample, label, probs)
