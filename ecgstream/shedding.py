"""Which beds go without the encoder while compute cannot keep up with all of them.

Rules never wait. A carried state cannot skip a hop, so a bed that goes without forgets, and has no scores until its
memory has filled anew: whole beds go without, in turns, whoever has had the encoder longest first, until there is room
for all. Beds with a lethal alarm come last, as it may be the model that raised it. How many must go without at first is
reckoned from what a second of a bed has cost of late; from then on by how busy compute still is.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import numpy as np

from .waveform import HOP_S

LATE_S, TREND_S = 0.5, 2.0
"""Compute cannot keep up when for so long everything has waited longer than this, and it does not make up for it."""
MAKING_UP = 1.05
"""Seconds of every bed's signal in a second from which what waits is a backlog, and goes away by itself."""
BUSY, TOO_BUSY = 0.8, 0.92
"""Shares of the time that compute works: below the one there is room for more, above the other for less."""
DRAINING = 0.7
"""What is aimed at while what waits must be worked off besides."""
TURN_S, WITH_S = 30.0, 60.0
"""How long a bed's turn lasts at least: without the encoder, and with it, as strips of 30 s begin anew besides."""
LOOK_S = 1.0
_SMOOTHING = 0.5


class Pass(NamedTuple):
    """How one pass of messages went; seconds."""

    now_s: float
    waited_s: float  # the oldest message in this process
    work_s: float  # all of the pass
    encoder_s: float  # of that, what beds without the encoder would not cost


class Load:
    """What beds cost, how busy compute is, and whether it keeps up."""

    def __init__(self):
        self._lately: deque[Pass] = deque()
        self.busy = 0.0  # share of the time that compute worked, between the last two looks
        self._speed = 0.0  # seconds of every bed's signal in a second, between the last two looks
        self.encoder_s = 0.0  # what a bed without the encoder is spared of a bed-second, smoothed
        self._rules_s = 0.0  # what every bed-second costs, smoothed
        self._looked_s = 0.0
        self._begin()

    def _begin(self) -> None:
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

    def is_due(self, now_s: float) -> bool:
        """Whether it is time to look again."""
        return now_s - self._looked_s >= LOOK_S

    def look(self, now_s: float, n_beds: int) -> None:
        """Bring everything up to now, while so many beds send."""
        since_s = now_s - self._looked_s
        self._speed = self._hops * HOP_S / (max(n_beds, 1) * since_s)
        self.busy = min(self._work_s / since_s, 1.0)  # the last pass may have begun before
        if self._hops:
            rules_s = (self._work_s - self._of_encoder_s) / (self._hops * HOP_S)
            self._rules_s += (_SMOOTHING if self._rules_s else 1.0) * (rules_s - self._rules_s)
        if self._encoded_hops:
            encoder_s = self._of_encoder_s / (self._encoded_hops * HOP_S)
            self.encoder_s += (_SMOOTHING if self.encoder_s else 1.0) * (encoder_s - self.encoder_s)
        self._looked_s = now_s
        self._begin()

    @property
    def too_much(self) -> bool:
        """Whether compute has not kept up for a while, and at the last look did not make up for it either."""
        if not self._lately:
            return False
        first, last = self._lately[0], self._lately[-1]
        span_s = last.now_s - first.now_s
        late = span_s >= TREND_S and min(one.waited_s for one in self._lately) > LATE_S
        return late and self._speed < MAKING_UP

    def affordable(self, n_beds: int) -> int:
        """How many of so many beds can have the encoder while what waits is worked off."""
        left_s = DRAINING - n_beds * self._rules_s
        if not self.encoder_s or left_s >= n_beds * self.encoder_s:
            return n_beds
        return max(int(left_s / self.encoder_s), 0)

    def room(self) -> int:
        """How many beds more, or fewer, can have the encoder: half of what it seems, as one look may err. While a
        backlog is made up for compute is busy with that; what the encoder costs the first bed tells."""
        left_s = max(BUSY - self.busy, 0.0) + min(TOO_BUSY - self.busy, 0.0)
        if self._speed >= MAKING_UP:
            left_s = max(left_s, 0.0)
        if not self.encoder_s:
            return int(left_s > 0 and self._rules_s > 0)
        return int(left_s / 2 / self.encoder_s)


class Shedding:
    """The beds that go without the encoder: ``shed`` bool (rows,)."""

    def __init__(self):
        self.shed = np.zeros(0, bool)
        self._since_s = np.zeros(0)  # when the row's turn with, or without, the encoder began

    def grow(self, n_rows: int) -> None:
        """Make room for ``n_rows`` rows in all."""
        more = n_rows - len(self.shed)
        self.shed = np.concatenate((self.shed, np.zeros(more, bool)))
        self._since_s = np.concatenate((self._since_s, np.full(more, -np.inf)))

    def reset(self, rows: np.ndarray) -> None:
        """Forget rows."""
        self.shed[rows] = False
        self._since_s[rows] = -np.inf

    def postpone(self, rows: np.ndarray) -> None:
        """Have those of ``rows`` whose turns have not been counted yet wait for the first until there is room."""
        self.shed[rows[np.isneginf(self._since_s[rows])]] = True

    def shed_down_to(self, affordable: int, now_s: float, beds: np.ndarray, lethal: np.ndarray) -> None:
        """Have ``affordable`` of ``beds``, int64 (N,), keep the encoder, or a quarter of those that have it, whichever
        is more, as one look may err. ``lethal`` bool (rows,)."""
        self._count_begun(beds, now_s)
        having = self._in_turn(beds[~self.shed[beds]], lethal)
        kept = max(affordable, len(having) // 4)
        self._begin(having[: max(len(having) - kept, 0)], now_s, True)

    def take_turns(self, room: int, now_s: float, beds: np.ndarray, lethal: np.ndarray) -> None:
        """Of those that have gone without for a turn, let ``room`` more have the encoder, and the others change places
        with beds that have had it for a turn. Where room is negative, so many of these go without besides; where there
        is room for all, no turn has to be over."""
        if room >= self.shed[beds].sum():
            self._begin(np.flatnonzero(self.shed), now_s, False)
            return
        self._count_begun(beds, now_s)
        for_s = now_s - self._since_s
        waiting = self._in_turn(np.flatnonzero(self.shed & (for_s >= TURN_S)), ~lethal)
        having = self._in_turn(beds[~self.shed[beds] & (for_s[beds] >= WITH_S) & ~lethal[beds]], lethal)
        changing = min(max(len(waiting) - room, 0), len(having))
        self._begin(having[:changing], now_s, True)
        self._begin(waiting[: max(room + changing, 0)], now_s, False)

    def _count_begun(self, beds: np.ndarray, now_s: float) -> None:
        """The first turn of beds that have had the encoder from their beginning counts from when it is asked for."""
        having = beds[~self.shed[beds]]
        self._since_s[having] = np.where(np.isneginf(self._since_s[having]), now_s, self._since_s[having])

    def _in_turn(self, rows: np.ndarray, last: np.ndarray) -> np.ndarray:
        """Whose turn began first comes first, but those in ``last``, bool (rows,), after all others."""
        return rows[np.lexsort((self._since_s[rows], last[rows]))]

    def _begin(self, rows: np.ndarray, now_s: float, shed: bool) -> None:
        self.shed[rows], self._since_s[rows] = shed, now_s
