"""Which beds go without the encoder while compute cannot keep up with all of them.

Rules never wait. A carried state cannot skip a hop, so a bed that goes without forgets, and has no scores until its
memory has filled anew: whole beds go without, in turns of ``TURN_S``, whoever had a turn longest ago first. Beds with a
lethal alarm come last, as it may be the model that raised it. How many beds can have the encoder is reckoned from what
a second of a bed has cost of late, with the encoder and without.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import numpy as np

from .waveform import HOP_S

LATE_S, TREND_S = 0.5, 2.0
"""Compute cannot keep up when for so long everything has waited longer than this, and is not being caught up with."""
CATCHING_UP = 0.05
"""Seconds of log caught up with in a second from which a backlog is one that goes away by itself."""
SHARE, DRAINING_SHARE = 0.85, 0.6
"""Of compute's time that beds may take in all; less as long as what waits must be worked off besides."""
TURN_S = 30.0
LOOK_S = 1.0
_SMOOTHING = 0.5


class Pass(NamedTuple):
    """How one pass of messages went; seconds."""

    now_s: float
    waited_s: float  # the oldest message in this process
    behind_s: float  # the oldest message since it came to the log, by the log's clock; or as waited_s
    work_s: float  # all of the pass
    encoder_s: float  # of that, what beds without the encoder would not cost


class Load:
    """What beds cost, and whether compute keeps up."""

    def __init__(self):
        self._lately: deque[Pass] = deque()
        self._rules_s = self._encoder_s = 0.0  # a bed-second's cost, smoothed
        self._hops = self._encoded_hops = 0
        self._work_s = self._of_encoder_s = 0.0

    def count(self, encoded: np.ndarray, n_hops: int) -> None:
        """Hops of a block whose rows had the encoder where ``encoded``, bool (R,)."""
        self._hops += len(encoded) * n_hops
        self._encoded_hops += int(encoded.sum()) * n_hops

    def note(self, one: Pass) -> None:
        """A pass is over."""
        self._lately.append(one)
        while len(self._lately) > 1 and self._lately[1].now_s <= one.now_s - TREND_S:
            self._lately.popleft()
        self._work_s += one.work_s
        self._of_encoder_s += one.encoder_s

    def reckon(self) -> None:
        """Bring a bed-second's cost up to what was noted since this was last called."""
        if self._hops:
            rules_s = (self._work_s - self._of_encoder_s) / (self._hops * HOP_S)
            self._rules_s += (_SMOOTHING if self._rules_s else 1.0) * (rules_s - self._rules_s)
        if self._encoded_hops:
            encoder_s = self._of_encoder_s / (self._encoded_hops * HOP_S)
            self._encoder_s += (_SMOOTHING if self._encoder_s else 1.0) * (encoder_s - self._encoder_s)
        self._hops = self._encoded_hops = 0
        self._work_s = self._of_encoder_s = 0.0

    @property
    def too_much(self) -> bool:
        """Whether compute has not kept up for a while, and nothing suggests that it will."""
        if not self._lately:
            return False
        first, last = self._lately[0], self._lately[-1]
        span_s = last.now_s - first.now_s
        late = span_s >= TREND_S and min(one.waited_s for one in self._lately) > LATE_S
        return late and first.behind_s - last.behind_s < CATCHING_UP * span_s

    def affordable(self, n_beds: int) -> int:
        """How many of so many beds can have the encoder."""
        share = DRAINING_SHARE if self.too_much else SHARE
        left_s = share - n_beds * self._rules_s
        if self._encoder_s == 0.0 or left_s >= n_beds * self._encoder_s:
            return n_beds
        return max(int(left_s / self._encoder_s), 0)


class Shedding:
    """The beds that go without the encoder: ``shed`` bool (rows,)."""

    def __init__(self):
        self.shed = np.zeros(0, bool)
        self._turn_s = np.zeros(0)  # when the row's last turn began

    def grow(self, n_rows: int) -> None:
        """Make room for ``n_rows`` rows in all."""
        more = n_rows - len(self.shed)
        self.shed = np.concatenate((self.shed, np.zeros(more, bool)))
        self._turn_s = np.concatenate((self._turn_s, np.full(more, -np.inf)))

    def reset(self, rows: np.ndarray) -> None:
        """Forget rows."""
        self.shed[rows] = False
        self._turn_s[rows] = -np.inf

    def take_turns(self, now_s: float, beds: np.ndarray, lethal: np.ndarray, affordable: int, too_much: bool) -> None:
        """End turns that are over, and begin others until no more than ``affordable`` of ``beds``, int64 (N,), have the
        encoder; more beds than before go without only while it is all ``too_much``. ``lethal`` bool (rows,)."""
        over = np.flatnonzero(self.shed & (now_s - self._turn_s >= TURN_S))
        self.shed[over] = False
        having = beds[~self.shed[beds]]
        more = len(having) - affordable
        if not too_much:
            more = min(more, len(over))
        if more > 0:
            next_ones = having[np.lexsort((self._turn_s[having], lethal[having]))[:more]]
            self.shed[next_ones] = True
            self._turn_s[next_ones] = now_s
