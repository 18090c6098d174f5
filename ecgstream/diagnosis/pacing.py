"""Which beats a pace pulse has set off, told from the last pulses of every row and the beats behind them."""

from __future__ import annotations

import numpy as np

from ..conditioning import PACE_LATE
from ..waveform import GRID_HZ, HOP_SAMPLES, Conditioned

BEFORE_S = (0.01, 0.16)
"""A ventricular pulse comes so long before the QRS it sets off, as the rules place it (its peak of energy)."""
ATRIAL_S = 0.22
"""A pulse that another follows within this is the atrium's."""
HEEDED = 8
"""So many of the last pulses say how likely the next one is to capture."""
_KEPT = 32
"""Pulses remembered: HEEDED of two a beat, and those that come before a beat has its class."""
_APART = round(0.02 * GRID_HZ)
"""What is told again sooner is the same pulse."""
_NEAREST, _FARTHEST = (round(edge_s * GRID_HZ) for edge_s in BEFORE_S)
_ATRIAL = round(ATRIAL_S * GRID_HZ)
_NEVER = -(1 << 40)


class PacedBeats:
    """Remembers each row's last pulses, and which of them a beat followed; cutting hops differently changes nothing."""

    def __init__(self, n_rows: int):
        self._sample = np.full((n_rows, _KEPT), _NEVER)  # int64, of pulses, the newest last
        self._followed = np.zeros((n_rows, _KEPT), bool)  # by a beat

    def grow(self, n_rows: int) -> None:
        """Make room for ``n_rows`` rows in all."""
        more = n_rows - len(self._sample)
        self._sample = np.concatenate([self._sample, np.full((more, _KEPT), _NEVER)])
        self._followed = np.concatenate([self._followed, np.zeros((more, _KEPT), bool)])

    def reset(self, rows: np.ndarray) -> None:
        """Forget the rows' pulses."""
        self._sample[rows], self._followed[rows] = _NEVER, False

    def save(self, row: int) -> bytes:
        """The pulses of a row."""
        return self._sample[row].tobytes() + self._followed[row].tobytes()

    def restore(self, row: int, saved: bytes) -> None:
        """Go on with a row from what ``save`` gave. Raises ValueError when it is of another form."""
        split = self._sample[row].nbytes
        self._sample[row] = np.frombuffer(saved[:split], np.int64)
        self._followed[row] = np.frombuffer(saved[split:], bool)

    def step(self, block: Conditioned, rows: np.ndarray, samples: np.ndarray) -> np.ndarray:
        """How likely a pulse has set off each beat, float32 (K,); 0 where none comes shortly before.

        ``rows``, ``samples`` int64 (K,): beats that now have their class, in order, without delays. The probability is
        by the rule of succession (Laplace) from the last pulses: how many of them a beat followed.
        """
        self.reset(block.rows[block.new_segment])
        chance = np.zeros(len(rows), np.float32)
        for place in np.flatnonzero(block.pace.any(1) | (self._sample[block.rows, -1] != _NEVER)):
            row = block.rows[place]
            first = block.first_hop[place] * HOP_SAMPLES - PACE_LATE
            pulses = _with_new(self._sample[row], first + np.flatnonzero(block.pace[place]))
            followed = np.zeros(len(pulses), bool)
            followed[:_KEPT] = self._followed[row]
            for k in np.flatnonzero(rows == row):
                chance[k] = _chance(pulses, followed, samples[k])
            self._sample[row], self._followed[row] = pulses[-_KEPT:], followed[-_KEPT:]
        return chance


def _with_new(known: np.ndarray, told: np.ndarray) -> np.ndarray:
    samples = known.tolist()
    for sample in told.tolist():
        if sample - samples[-1] > _APART:
            samples.append(sample)
    return np.array(samples)


def _chance(pulses: np.ndarray, followed: np.ndarray, beat: int) -> float:
    """That the beat was set off; marks the pulse before it in ``followed``."""
    since = beat - pulses
    before = (since >= _NEAREST) & (since <= _FARTHEST)
    followed |= before
    if not before.any():
        return 0.0
    past = (since >= _NEAREST) & (pulses != _NEVER)
    lone = np.diff(pulses[past], append=beat + _ATRIAL) > _ATRIAL
    heeded = followed[past][lone][-HEEDED:]
    return (heeded.sum() + 1) / (len(heeded) + 2)
