"""RR intervals against the patient's own: how early at several horizons, how irregular the rhythm is. Compiled."""

from __future__ import annotations

import numpy as np
from numba import njit

from . import groups
from .groups import RR_TO_LONGER, measure_groups, step_of
from .state import INTERVALS, LONG_INTERVALS

NAMES = (
    "rr_s", "rr_before_s", "median8_s", "median32_s", "usual_s",
    "rr_to_median8", "rr_to_median32", "rr_to_usual", "rr_to_before", "before_to_median32", "second_before_to_median32",
    "rank32", "low32", "high32", "spread32", "jitter32", "jitter8", "nearest32", "known", "short_run",
    "above_low32", "below_high32",
    "rr_to_mean32", "rr_to_steady", "rr_to_slow_high", "steady_to_median32", "longest_to_median32",
    "slow_high_to_median32", "pauses32", "since_pause", "alike32",
    "rr_to_run_from", "run_beats", *groups.NAMES,
)  # fmt: skip
NEXT_NAMES = (
    "next_s", "next_to_median8", "next_to_median32", "next_to_rr", "pair_to_median32", "next_to_usual", "next_none",
    "next_to_mean32", "next_to_steady", "next_to_slow_high", "next_to_run_from",
    "next_to_longer",
)  # fmt: skip
LONGEST_S = 3.0
NEXT_S = 2.0
_USUAL_STEP = 0.02
_SHORT = 0.85
_PAUSE = 1.25
_ALIKE = 0.08
_STEADY = 3
"""Alike intervals that make one the patient's own rather than a chance pause."""
_HIGH = 0.8
_HIGH_STEP = 0.03
_RHYTHM, _RUN, _GROUPS = 22, 31, 33
_RUN_ENDS = 0.9
_LONGEST_RUN = 300
"""Beats after which a faster rhythm is taken for the patient's own."""


@njit(cache=True, nogil=True)
def _at(s, age):
    """The interval of this age, 0 the newest; NaN when there is none."""
    if age >= min(s.n_intervals, INTERVALS):
        return np.float32(np.nan)
    return s.interval[(s.n_intervals - 1 - age) % INTERVALS]


@njit(cache=True, nogil=True)
def _sorted(s, n, values):
    """The ``n`` newest intervals in rising order, into ``values``."""
    for age in range(n):
        value = _at(s, age)
        place = age
        while place > 0 and values[place - 1] > value:
            values[place] = values[place - 1]
            place -= 1
        values[place] = value


@njit(cache=True, nogil=True)
def _jitter(s, n):
    """Median size of the change from interval to interval, s."""
    if n < 3:
        return np.float32(np.nan)
    changes = np.empty(n - 1, np.float32)
    for age in range(n - 1):
        changes[age] = abs(_at(s, age) - _at(s, age + 1))
    changes.sort()
    return changes[(n - 1) // 2]


@njit(cache=True, nogil=True)
def median_of_newest(s, most):
    """Median of up to ``most`` newest intervals, s; NaN before there is any."""
    n = min(s.n_intervals, most)
    if n == 0:
        return np.float32(np.nan)
    values = np.empty(n, np.float32)
    _sorted(s, n, values)
    return values[n // 2]


@njit(cache=True, nogil=True)
def measure_intervals(s, rr, out):
    """What the interval ``rr`` (s, NaN when unknown) up to a beat is among those before it: ``NAMES`` into ``out``."""
    n = min(s.n_intervals, INTERVALS)
    out[0], out[1] = rr, _at(s, 0)
    out[4], out[18], out[19] = s.usual_s, n, s.short_run
    if n < 2:
        return
    values = np.empty(n, np.float32)
    _sorted(s, n, values)
    median, low, high = values[n // 2], values[n // 5], values[n - 1 - n // 5]
    out[2], out[3] = median_of_newest(s, 8), median
    out[5], out[6], out[7], out[8] = rr / out[2], rr / median, rr / s.usual_s, rr / out[1]
    out[9], out[10] = _at(s, 0) / median, _at(s, 1) / median
    shorter, nearest = 0, np.inf
    for value in values:
        shorter += value < rr
        nearest = min(nearest, abs(value - rr))
    out[11] = shorter / n if rr == rr else np.nan
    out[12], out[13], out[14] = low / median, high / median, (high - low) / median
    out[15], out[16] = _jitter(s, n) / median, _jitter(s, min(n, 8)) / out[2]
    out[17] = nearest / median if rr == rr else np.nan
    out[20], out[21] = rr / low, rr / high
    _measure_rhythm(s, rr, values, median, out[_RHYTHM:])
    out[_RUN], out[_RUN + 1] = rr / (s.run_from_s if s.run_beats else out[2]), s.run_beats
    measure_groups(s, rr, out[_GROUPS:])


@njit(cache=True, nogil=True)
def _measure_rhythm(s, rr, values, median, out):
    """What stands even where early beats are the usual ones: the interval against the mean, the longest that comes
    again, and the longer ones of the last minutes. ``values``: the intervals before, rising."""
    mean, steady, pauses, alike = values.mean(), _steady(values), 0, 0
    for value in values:
        pauses += value > _PAUSE * median
        alike += abs(value - rr) < _ALIKE * rr
    since = 0
    while since < len(values) and not _at(s, since) > _PAUSE * median:
        since += 1
    out[0], out[1], out[2] = rr / mean, rr / steady, rr / s.slow_high_s
    out[3], out[4], out[5] = steady / median, values[-1] / median, s.slow_high_s / median
    out[6], out[7], out[8] = pauses / len(values), since, alike / len(values)


@njit(cache=True, nogil=True)
def _steady(values):
    """The longest of rising ``values`` that has others like it; the middle one where none has."""
    for place in range(len(values) - 1, -1, -1):
        like = 0
        for value in values:
            like += abs(value - values[place]) < _ALIKE * values[place]
        if like >= _STEADY:
            return values[place]
    return values[len(values) // 2]


@njit(cache=True, nogil=True)
def remember_interval(s, rr):
    """Put a known interval into the ring."""
    median = median_of_newest(s, INTERVALS)
    s.short_run = s.short_run + 1 if rr < _SHORT * median else 0
    _follow_run(s, rr)
    s.interval[s.n_intervals % INTERVALS] = rr
    s.rr_step[s.n_intervals % LONG_INTERVALS] = step_of(rr)
    s.n_intervals += 1
    step = max(_USUAL_STEP, 1.0 / s.n_intervals)
    s.usual_s = rr if s.n_intervals == 1 else s.usual_s + np.float32(step) * (rr - s.usual_s)
    if s.n_intervals == 1:
        s.slow_high_s = rr
    side = _HIGH if rr > s.slow_high_s else _HIGH - 1
    s.slow_high_s += np.float32(max(_HIGH_STEP, 1.0 / (s.n_intervals + 1)) * side) * s.usual_s


@njit(cache=True, nogil=True)
def _follow_run(s, rr):
    """A run begins with an interval that is short at once, and lasts until one is as long as those before the run:
    however long it is, medians that have come to be the run's own do not end it."""
    if s.run_beats:
        s.run_beats = s.run_beats + 1 if rr < _RUN_ENDS * s.run_from_s and s.run_beats < _LONGEST_RUN else 0
    elif s.n_intervals >= _STEADY and rr < _SHORT * median_of_newest(s, 8):
        s.run_from_s, s.run_beats = median_of_newest(s, 8), 1


@njit(cache=True, nogil=True)
def measure_next(of_beat, next_s, none, out):
    """The interval behind a beat whose own features are ``of_beat``: ``NEXT_NAMES`` into ``out``."""
    rr, median8, median32, usual = of_beat[0], of_beat[2], of_beat[3], of_beat[4]
    next_s = min(next_s, NEXT_S) if next_s == next_s else next_s
    out[0], out[1], out[2], out[3] = next_s, next_s / median8, next_s / median32, next_s / rr
    out[4], out[5], out[6] = (rr + next_s) / (2 * median32), next_s / usual, none
    for i in range(3):
        out[7 + i] = next_s / rr * of_beat[_RHYTHM + i]
    out[10], out[11] = next_s / rr * of_beat[_RUN], next_s / rr * of_beat[_GROUPS + RR_TO_LONGER]
