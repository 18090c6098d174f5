"""UTC of a stream's samples: a slow straight line through the start times of many chunks."""

from __future__ import annotations

from typing import Any

MEMORY_S = 300.0
"""Older chunks weigh less: by half after about this long."""
DRIFT_LIMIT = 0.01
"""No monitor's sampling clock is further off than one per cent."""
PRIOR_S2 = 400.0
"""Weight of 'no drift' against the chunks seen: jitter of 20 ms over drift of 0.1 %, squared."""

_STATE = ("base_ns", "weight", "last_x", "mean_x", "mean_y", "xx", "xy")


class ClockFit:
    """Least squares with forgetting (recursive means, Welford 1962) and a prior on the drift.

    x is seconds by sample count, y the start time less x, in seconds after ``base_ns``. The fit only tells time: it
    never moves, adds or drops a sample.
    """

    __slots__ = (*_STATE, "drift")

    def __init__(self, x_s: float, start_ns: int):
        self.restart(x_s, start_ns)

    def restart(self, x_s: float, start_ns: int) -> None:
        """Forget everything but that sample ``x_s`` was taken at ``start_ns``."""
        self.base_ns = start_ns - round(x_s * 1e9)
        self.last_x = x_s
        self.weight = self.mean_x = self.mean_y = self.xx = self.xy = self.drift = 0.0

    def ahead_s(self, x_s: float, start_ns: int) -> float:
        """How much later than the fit says sample ``x_s`` was taken, by ``start_ns``."""
        return (start_ns - self.base_ns) * 1e-9 - x_s - self.mean_y - self.drift * (x_s - self.mean_x)

    def observe(self, x_s: float, start_ns: int) -> None:
        """Let one chunk's start time weigh in."""
        y_s = (start_ns - self.base_ns) * 1e-9 - x_s
        keep = MEMORY_S / (MEMORY_S + x_s - self.last_x)
        self.last_x = x_s
        self.weight = self.weight * keep + 1.0
        dx, dy = x_s - self.mean_x, y_s - self.mean_y
        self.mean_x += dx / self.weight
        self.mean_y += dy / self.weight
        self.xx = self.xx * keep + dx * (x_s - self.mean_x)
        self.xy = self.xy * keep + dx * (y_s - self.mean_y)
        self.drift = min(max(self.xy / (self.xx + PRIOR_S2), -DRIFT_LIMIT), DRIFT_LIMIT)

    def shift(self, by_s: float) -> None:
        """The clock was set: the same line, ``by_s`` later."""
        self.mean_y += by_s

    def time_ns(self, x_s: float) -> int:
        """UTC of sample ``x_s``, nanoseconds since 1970."""
        return self.base_ns + round((x_s + self.mean_y + self.drift * (x_s - self.mean_x)) * 1e9)

    def x_s(self, time_ns: int) -> float:
        """The sample, in seconds by sample count, that was taken at this time."""
        y_s = (time_ns - self.base_ns) * 1e-9 - self.mean_y + self.drift * self.mean_x
        return y_s / (1.0 + self.drift)

    def save(self) -> dict[str, Any]:
        """State as JSON values."""
        return {name: getattr(self, name) for name in _STATE}

    @classmethod
    def restored(cls, state: dict[str, Any]) -> ClockFit:
        """The fit that ``save`` described. Raises KeyError or TypeError when it is not such a state."""
        fit = cls(0.0, int(state["base_ns"]))
        for name in _STATE[1:]:
            setattr(fit, name, float(state[name]))
        fit.drift = min(max(fit.xy / (fit.xx + PRIOR_S2), -DRIFT_LIMIT), DRIFT_LIMIT)
        return fit
