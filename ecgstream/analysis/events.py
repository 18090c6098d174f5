"""What a reader of a long recording looks for, found in beats and evidence: runs, pauses, episodes, rates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..diagnosis import CLASSES
from ..waveform import GRID_HZ, HOP_S, HOP_SAMPLES, Condition, Reason
from .findings import Findings

PAUSE_S = 2.0
"""Longest interval between two beats that is no pause; the usual bound of Holter reports."""
LONGEST_INTERVAL_S = 10.0
"""Two beats farther apart are not neighbours: between them lies what could not be judged."""
RUN_BEATS = 3
_JOIN_S = 2.0
"""Episodes of one rhythm closer together are one."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the recording (s from its start) and what was there."""

    start_s: float
    stop_s: float
    beats: int = 0
    rate_bpm: float = float("nan")

    @property
    def length_s(self) -> float:
        """How long."""
        return self.stop_s - self.start_s


def rr_s(found: Findings) -> np.ndarray:
    """Interval (K - 1,) from each beat to the next, s; NaN where the signal between them was not all judged."""
    spans = np.diff(found.beat) / GRID_HZ
    unjudged = np.concatenate([[0], np.cumsum(found.reason != Reason.OK)])
    hop = np.minimum(found.beat // HOP_SAMPLES, len(found.reason))
    clear = unjudged[hop[1:]] == unjudged[hop[:-1]]
    return np.where(clear & (spans <= LONGEST_INTERVAL_S), spans, np.nan)


def runs(found: Findings, kind: str) -> list[Span]:
    """Three or more beats of a class in a row, nothing unjudged between them; with their mean rate."""
    mine = found.label == CLASSES.index(kind)
    linked = mine[1:] & mine[:-1] & np.isfinite(rr_s(found)) if len(mine) else np.zeros(0, bool)
    spans = []
    for first, last in _stretches(linked):
        beats = last - first + 1
        if beats >= RUN_BEATS:
            start_s, stop_s = (float(found.beat[k] / GRID_HZ) for k in (first, last))
            spans.append(Span(start_s, stop_s, beats, 60 * (beats - 1) / (stop_s - start_s)))
    return spans


def couplets(found: Findings, kind: str) -> int:
    """How often exactly two beats of a class follow each other."""
    mine = np.pad(found.label == CLASSES.index(kind), 1)
    return int((mine[1:-2] & mine[2:-1] & ~mine[:-3] & ~mine[3:]).sum()) if len(mine) > 3 else 0


def pauses(found: Findings) -> list[Span]:
    """Intervals above ``PAUSE_S``, judged throughout."""
    long = np.flatnonzero(rr_s(found) > PAUSE_S)
    return [Span(float(found.beat[k] / GRID_HZ), float(found.beat[k + 1] / GRID_HZ), 2) for k in long.tolist()]


def episodes(found: Findings, condition: Condition) -> list[Span]:
    """When a condition's evidence held, short breaks bridged; the mean rate where one is known."""
    spans: list[Span] = []
    for first, last in _stretches(found.evidence[:, condition]):
        start_s, stop_s = first * HOP_S, last * HOP_S
        if spans and start_s - spans[-1].stop_s < _JOIN_S:
            start_s = spans.pop().start_s
        spans.append(Span(start_s, stop_s, rate_bpm=_mean_rate(found, start_s, stop_s)))
    return spans


def _mean_rate(found: Findings, start_s: float, stop_s: float) -> float:
    rates = found.hr_bpm[round(start_s / HOP_S) : round(stop_s / HOP_S)]
    known = rates[np.isfinite(rates)]
    return float(known.mean()) if len(known) else float("nan")


def per_minute(found: Findings) -> np.ndarray:
    """float64 (minutes, 3): least, mean and greatest heart rate of each minute; NaN where none is known."""
    hops = round(60 / HOP_S)
    padded = np.pad(found.hr_bpm, (0, -len(found.hr_bpm) % hops), constant_values=np.nan).reshape(-1, hops)
    known = np.isfinite(padded).any(1)
    rates = np.full((len(padded), 3), np.nan)
    for column, of in enumerate((np.nanmin, np.nanmean, np.nanmax)):
        rates[known, column] = of(padded[known], axis=1)
    return rates


def _stretches(holds: np.ndarray) -> list[tuple[int, int]]:
    """First place, and the one behind the last, of every stretch of True."""
    edges = np.flatnonzero(np.diff(np.pad(holds.astype(np.int8), 1)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
