"""UTC of a stream's samples: a slow straight line through the start times of many chunks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from .tracks import BASE_NS, DRIFT, LAST_X, MEAN_X, MEAN_Y, WEIGHT, XX, XY, Tracks

MEMORY_S = 300.0
"""Older chunks weigh less: by half after about this long."""
DRIFT_LIMIT = 0.01
"""No monitor's sampling clock is further off than one per cent."""
PRIOR_S2 = 400.0
"""Weight of 'no drift' against the chunks seen: jitter of 20 ms over drift of 0.1 %, squared."""

_STATE = {"weight": WEIGHT, "last_x": LAST_X, "mean_x": MEAN_X, "mean_y": MEAN_Y, "xx": XX, "xy": XY}


@njit(cache=True)
def ahead_s(fit: np.ndarray, base_ns: int, x_s: float, start_ns: int) -> float:
    """How much later than the line ``fit`` (columns of ``Tracks.fits``) says sample ``x_s`` was taken."""
    return (start_ns - base_ns) * 1e-9 - x_s - fit[MEAN_Y] - fit[DRIFT] * (x_s - fit[MEAN_X])


@njit(cache=True)
def observe(fit: np.ndarray, base_ns: int, x_s: float, start_ns: int) -> None:
    """Let one chunk's start time weigh in."""
    y_s = (start_ns - base_ns) * 1e-9 - x_s
    keep = MEMORY_S / (MEMORY_S + x_s - fit[LAST_X])
    fit[LAST_X] = x_s
    fit[WEIGHT] = fit[WEIGHT] * keep + 1.0
    dx, dy = x_s - fit[MEAN_X], y_s - fit[MEAN_Y]
    fit[MEAN_X] += dx / fit[WEIGHT]
    fit[MEAN_Y] += dy / fit[WEIGHT]
    fit[XX] = fit[XX] * keep + dx * (x_s - fit[MEAN_X])
    fit[XY] = fit[XY] * keep + dx * (y_s - fit[MEAN_Y])
    fit[DRIFT] = _drift(fit)


@njit(cache=True)
def _drift(fit: np.ndarray) -> float:
    return min(max(fit[XY] / (fit[XX] + PRIOR_S2), -DRIFT_LIMIT), DRIFT_LIMIT)


class ClockFit:
    """Least squares with forgetting (recursive means, Welford 1962) and a prior on the drift, on a row's track.

    x is seconds by sample count, y the start time less x, in seconds after a base. The fit only tells time: it never
    moves, adds or drops a sample.
    """

    __slots__ = ("_fit", "_numbers", "_counts")

    def __init__(self, track: Tracks):
        self._fit = track.fits
        self._numbers, self._counts = memoryview(track.fits), memoryview(track.counts)  # ten times as fast to read

    @property
    def drift(self) -> float:
        """Seconds that the clock gains a second."""
        return self._numbers[DRIFT]

    def restart(self, x_s: float, start_ns: int) -> None:
        """Forget everything but that sample ``x_s`` was taken at ``start_ns``."""
        self._fit[WEIGHT:] = 0.0
        self._numbers[LAST_X] = x_s
        self._counts[BASE_NS] = start_ns - round(x_s * 1e9)

    def ahead_s(self, x_s: float, start_ns: int) -> float:
        """How much later than the fit says sample ``x_s`` was taken, by ``start_ns``."""
        return ahead_s(self._fit, self._counts[BASE_NS], x_s, start_ns)

    def observe(self, x_s: float, start_ns: int) -> None:
        """Let one chunk's start time weigh in."""
        observe(self._fit, self._counts[BASE_NS], x_s, start_ns)

    def shift(self, by_s: float) -> None:
        """The clock was set: the same line, ``by_s`` later."""
        self._numbers[MEAN_Y] += by_s

    def time_ns(self, x_s: float) -> int:
        """UTC of sample ``x_s``, nanoseconds since 1970."""
        fit = self._numbers
        return self._counts[BASE_NS] + round((x_s + fit[MEAN_Y] + fit[DRIFT] * (x_s - fit[MEAN_X])) * 1e9)

    def x_s(self, time_ns: int) -> float:
        """The sample, in seconds by sample count, that was taken at this time."""
        fit = self._numbers
        y_s = (time_ns - self._counts[BASE_NS]) * 1e-9 - fit[MEAN_Y] + fit[DRIFT] * fit[MEAN_X]
        return y_s / (1.0 + fit[DRIFT])

    def save(self) -> dict[str, Any]:
        """State as JSON values."""
        numbers = {name: self._numbers[column] for name, column in _STATE.items()}
        return {"base_ns": self._counts[BASE_NS]} | numbers

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what ``save`` gave. Raises KeyError or TypeError when it is not such a state."""
        self._counts[BASE_NS] = int(state["base_ns"])
        for name, column in _STATE.items():
            self._numbers[column] = float(state[name])
        self._numbers[DRIFT] = _drift(self._fit)
