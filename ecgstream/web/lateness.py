"""How far what is said of a bed lags behind its signal, whatever the monitor's clock says."""

from __future__ import annotations

from ..wire import ecgstream_pb2 as pb

FORGOTTEN = 0.001
"""Seconds a second by which what is usual may grow: clocks drift less, and what is behind catches up sooner."""
SET_BACK_S = 60.0
"""A bed's time goes back by less where things are said again, by more where its clock was set or it began anew."""


class Lateness:
    """From the bed's time to publication, against the least of it so far: a monitor's clock may be off by any amount,
    but always by the same. What was behind from the beginning, and has not caught up since, cannot be told."""

    def __init__(self) -> None:
        self._time_s = self._told_s = self._least_s = 0.0

    def take(self, vitals: pb.Vitals) -> float:
        """Seconds by which these vitals are later than usual."""
        time_s, told_s = vitals.time_ns / 1e9, vitals.published_time_ns / 1e9
        late_s, passed_s = told_s - time_s, max(0.0, told_s - self._told_s)
        begins = not self._told_s or time_s < self._time_s - SET_BACK_S
        self._least_s = late_s if begins else min(late_s, self._least_s + FORGOTTEN * passed_s)
        self._time_s, self._told_s = time_s, told_s
        return late_s - self._least_s
