"""Which beats a pace pulse has set off, told from the last pulses of every row and the beats behind them."""

from __future__ import annotations

import numpy as np

from ..conditioning import PACE_LATE
from ..waveform import GRID_HZ, HOP_SAMPLES, Conditioned
from .kernels import follow_pulses

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
        first = block.first_hop * HOP_SAMPLES - PACE_LATE
        times = _NEAREST, _FARTHEST, _APART, _ATRIAL, HEEDED, _NEVER
        pulses = block.rows, first, block.pace
        follow_pulses(pulses, self._sample, self._followed, (rows, samples), times, chance)
        return chance
