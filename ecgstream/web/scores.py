"""Which diagnoses a bed shows, and whether each is rising or falling."""

from __future__ import annotations

from collections import deque
from typing import Any

from ..wire import ecgstream_pb2 as pb

SHOWN = 3
LEAST = 0.2
"""Scores below say too little to take up room."""
WINDOW = 60
"""Diagnoses (a minute of them) that the newest is compared with."""
CHANGE = 0.1
NO_DIAGNOSIS = "beat.", "strip.normal", "strip.other", "strip.noise", "rhythm.", "noise", "phenotype.", "SR", "NORM"
"""What is told elsewhere on the tile, or tells of no illness."""


class ScoreTrend:
    """The last minute of a bed's scores."""

    def __init__(self) -> None:
        self._recent: deque[dict[str, float]] = deque(maxlen=WINDOW)

    def take(self, diagnosis: pb.Diagnosis) -> list[list[Any]]:
        """[name, probability, 1 rising / 0 / -1 falling] of the highest scores, highest first."""
        scores = {s.name: s.probability for s in diagnosis.scores if not s.name.startswith(NO_DIAGNOSIS)}
        highest = sorted((p, name) for name, p in scores.items() if p >= LEAST)[::-1][:SHOWN]
        shown = [[name, round(p, 2), self._direction(name, p)] for p, name in highest]
        self._recent.append(scores)
        return shown

    def _direction(self, name: str, probability: float) -> int:
        before = [scores[name] for scores in self._recent if name in scores]
        if not before:
            return 0
        change = probability - sum(before) / len(before)
        return (change > CHANGE) - (change < -CHANGE)
