"""A day of a bed in minutes: heart rate, PVCs, quality."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..wire import ecgstream_pb2 as pb

MINUTES = 24 * 60
_MINUTE_NS = 60 * 10**9
_COLUMNS = 5  # lowest, mean and highest heart rate, mean PVCs a minute, mean quality of the best lead


class Trends:
    """One value a minute for a day, by the bed's own clock; NaN where nothing is known."""

    def __init__(self) -> None:
        self._kept = np.full((MINUTES, _COLUMNS), np.nan, np.float32)
        self._minute = -1
        self._now: list[tuple[float, float, float]] = []

    def take(self, vitals: pb.Vitals) -> None:
        """One second more. A clock that goes back begins the minute it goes back to anew."""
        minute = vitals.time_ns // _MINUTE_NS
        if minute != self._minute:
            self._close()
            self._forget_until(minute)
            self._minute, self._now = minute, []
        self._now.append(_measured(vitals))

    def take_past(self, vitals: pb.Vitals) -> None:
        """What stands for an earlier minute of which nothing is known."""
        minute = vitals.time_ns // _MINUTE_NS
        if self._minute - MINUTES < minute < self._minute and np.isnan(self._kept[minute % MINUTES]).all():
            rate, pvc, quality = _measured(vitals)
            self._kept[minute % MINUTES] = rate, rate, rate, pvc, quality

    def document(self) -> dict[str, Any]:
        """The day up to now, oldest minute first, for JSON: None where nothing is known."""
        self._close()
        rows = np.roll(self._kept, -(self._minute % MINUTES) - 1, axis=0) if self._minute >= 0 else self._kept
        columns = np.where(np.isnan(rows), -1, np.round(rows, 2)).T.tolist()
        names = ("low", "mean", "high", "pvc", "quality")
        shown = {name: [None if v == -1 else v for v in column] for name, column in zip(names, columns, strict=True)}
        return {"lastMinute": self._minute} | shown

    def _close(self) -> None:
        if not self._now:
            return
        values = np.array(self._now, np.float32)
        known = ~np.isnan(values)
        means = np.where(known.any(0), np.where(known, values, 0).sum(0) / np.maximum(known.sum(0), 1), np.nan)
        rates = values[known[:, 0], 0]
        low, high = (rates.min(), rates.max()) if len(rates) else (np.nan, np.nan)
        self._kept[self._minute % MINUTES] = low, means[0], high, means[1], means[2]

    def _forget_until(self, minute: int) -> None:
        """Minutes in which nothing came say nothing; neither do those of a day ago."""
        ahead = minute - self._minute
        if self._minute < 0 or ahead >= MINUTES:
            self._kept[:] = np.nan
        elif ahead > 0:
            self._kept[np.arange(self._minute + 1, minute + 1) % MINUTES] = np.nan
        else:
            self._kept[minute % MINUTES] = np.nan


def _measured(vitals: pb.Vitals) -> tuple[float, float, float]:
    """Heart rate, PVCs a minute, quality of the best lead; NaN where not known."""
    rate = vitals.heart_rate_bpm if vitals.HasField("heart_rate_bpm") else np.nan
    pvc = vitals.pvc_per_min if vitals.HasField("pvc_per_min") else np.nan
    return rate, pvc, max((lead.quality for lead in vitals.leads), default=np.nan)
