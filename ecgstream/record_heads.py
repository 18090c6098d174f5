"""Networks over whole recordings at work on beds: what they say of the last ten seconds, beside the encoder's scores.

Each bed is asked at hops that only its stream's name decides, so that beds are spread over time and neither messages
nor neighbours matter. A head may come and go while the daemon runs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np

from .labelled.records import N_LEADS, RATE_HZ, SAMPLES, SLOTS
from .rows import grown
from .waveform import HOP_SAMPLES, Conditioned, Reason, Scores

if TYPE_CHECKING:
    from .served_head import Served

WINDOW_HOPS = SAMPLES // HOP_SAMPLES
FEWEST_HOPS = 40
"""Hops of the last ten seconds that must have signal, as for the encoder."""
USABLE_SHARE = 0.5
MOST_ROWS = 8
"""Beds in one call."""
_NO_TIME = (Reason.OVERLOAD, Reason.CATCHING_UP)


def every_hops(every_s: float) -> int:
    """How often heads are asked about a bed, in hops."""
    return max(round(every_s * RATE_HZ / HOP_SAMPLES), 1)


def hops_since_asked(stream_id: str, n_hops: int, every_hops: int) -> int:
    """How long ago, when ``n_hops`` hops of a stream have been, heads were asked about it; 0: at the last of them."""
    return (n_hops + crc32(stream_id.encode())) % every_hops


class RecordHeads:
    """The last ten seconds of ``n_rows`` beds, and what each head said of them last."""

    def __init__(self, every_s: float, stream_id: Callable[[int], str]):
        self._every_hops = every_hops(every_s)
        self._stream_id = stream_id
        self._heads: dict[str, Served] = {}
        self._n_rows = 0
        self._make_room(0)

    def _make_room(self, n_rows: int) -> None:
        """Memory for ``n_rows`` rows that have said and heard nothing: a ring of hops each."""
        self._mv = np.zeros((n_rows, WINDOW_HOPS, N_LEADS, HOP_SAMPLES), np.float32)
        self._usable = np.zeros((n_rows, WINDOW_HOPS, N_LEADS), bool)
        self._phase = np.full(n_rows, -1)
        self._told = np.full((n_rows, len(self._names())), np.nan, np.float32)

    @property
    def versions(self) -> list[str]:
        """Of the heads that are at work, name@sha256."""
        return [head.version for head in self._heads.values()]

    def grow(self, n_rows: int) -> None:
        """Make room for ``n_rows`` rows in all; without a head nothing is kept of them."""
        self._n_rows = n_rows
        if self._heads:
            had = len(self._phase)
            self._mv, self._usable = grown(self._mv, n_rows), grown(self._usable, n_rows)
            self._phase, self._told = grown(self._phase, n_rows), grown(self._told, n_rows)
            self._phase[had:], self._told[had:] = -1, np.nan

    def reset(self, rows: np.ndarray) -> None:
        """Forget rows."""
        if self._heads:
            self._forget_signal(rows)
            self._phase[rows] = -1

    def _forget_signal(self, rows: np.ndarray) -> None:
        self._mv[rows], self._usable[rows], self._told[rows] = 0, False, np.nan

    def put(self, head: Served) -> None:
        """Take a head into service, in place of one of its name. Its first words come with its next turn."""
        self._heads[head.name] = head
        self._heads_changed()

    def remove(self, name: str) -> bool:
        """Take a head out of service; whether there was one."""
        there = self._heads.pop(name, None) is not None
        self._heads_changed()
        return there

    def _heads_changed(self) -> None:
        if len(self._phase) != self._n_rows or not self._heads:
            self._make_room(self._n_rows if self._heads else 0)
        self._told = np.full((len(self._phase), len(self._names())), np.nan, np.float32)

    def _names(self) -> tuple[str, ...]:
        return tuple(label for head in self._heads.values() for label in head.labels)

    def step(self, block: Conditioned, scores: Scores) -> Scores:
        """``scores`` with a column more for each label of each head, NaN while there is too little signal, and at hops
        at which compute has no time for the encoder either."""
        if not self._heads:
            return scores
        self._forget_signal(block.rows[block.new_segment])
        silent = np.isin(scores.reason, _NO_TIME)
        told = np.stack([self._advance(block, hop, silent[:, hop]) for hop in range(block.n_hops)], axis=1)
        return Scores(scores.names + self._names(), np.concatenate((scores.values, told), axis=2), scores.reason)

    def _advance(self, block: Conditioned, hop: int, silent: np.ndarray) -> np.ndarray:
        """Float32 (R, K): what holds at this hop of the block; rows that are ``silent``, bool (R,), say nothing."""
        rows, number = block.rows, block.first_hop + hop
        samples = slice(hop * HOP_SAMPLES, (hop + 1) * HOP_SAMPLES)
        self._mv[rows, number % WINDOW_HOPS] = block.ecg_mv[:, SLOTS, samples]
        self._usable[rows, number % WINDOW_HOPS] = block.valid[:, SLOTS, samples].mean(2) >= USABLE_SHARE
        self._told[rows[silent]] = np.nan
        due = np.flatnonzero(~silent & ((number + 1 + self._phases(rows)) % self._every_hops == 0))
        for begin in range(0, len(due), MOST_ROWS):
            part = due[begin : begin + MOST_ROWS]
            self._told[rows[part]] = self._ask(rows[part], number[part])
        return self._told[rows]

    def _phases(self, rows: np.ndarray) -> np.ndarray:
        for row in rows[self._phase[rows] < 0].tolist():
            self._phase[row] = crc32(self._stream_id(row).encode()) % self._every_hops
        return self._phase[rows]

    def _ask(self, rows: np.ndarray, number: np.ndarray) -> np.ndarray:
        """Float32 (B, K) of the ten seconds that end with hop ``number`` (B,) of ``rows`` (B,)."""
        at = (number[:, None] + 1 + np.arange(WINDOW_HOPS)) % WINDOW_HOPS  # the oldest first
        usable = self._usable[rows[:, None], at]
        mv = self._mv[rows[:, None], at].transpose(0, 2, 1, 3).reshape(len(rows), N_LEADS, SAMPLES)
        enough = usable.any(axis=2).sum(axis=1) >= FEWEST_HOPS
        said = [head.ask(mv, usable.any(axis=1)) for head in self._heads.values()]
        return np.where(enough[:, None], np.concatenate(said, axis=1), np.nan).astype(np.float32)
