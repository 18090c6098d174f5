"""The row's recent beats, and the rates told from them. Compiled.

Ages count back from the newest beat, 0. An interval "follows" when no unusable hop lies in it.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from ..waveform import GRID_HZ
from .state import BEATS

RATE_INTERVALS = 8
_LEAST_INTERVALS = 3
STALE = int(4.5 * GRID_HZ)
"""A heart rate is not told when the newest beat is older than this."""
_PVC_SPAN = 60 * GRID_HZ
_PVC_LEAST_SPAN = 15 * GRID_HZ


@njit(cache=True, nogil=True)
def remember_beat(s, sample, ventricular):
    """Put a beat at a grid sample into the ring."""
    place = s.n_beats % BEATS
    s.beat_follows[place] = s.n_beats > 0 and s.broken_at < beat_sample(s, 0)
    s.beat_sample[place] = sample
    s.beat_ventricular[place] = ventricular
    s.beat_alike[place] = s.alike
    s.n_beats += 1


@njit(cache=True, nogil=True)
def beat_sample(s, age):
    """Grid sample of the beat of this age; it must be there."""
    return s.beat_sample[(s.n_beats - 1 - age) % BEATS]


@njit(cache=True, nogil=True)
def is_ventricular(s, age):
    """Whether the beat of this age is ventricular."""
    return s.beat_ventricular[(s.n_beats - 1 - age) % BEATS] == 1


@njit(cache=True, nogil=True)
def count_alike(s, count):
    """How many of the last ``count`` beats are like the beat before."""
    alike = 0
    for age in range(count):
        alike += s.beat_alike[(s.n_beats - 1 - age) % BEATS]
    return alike


@njit(cache=True, nogil=True)
def interval(s, age):
    """Samples from the beat before to the beat of this age; -1 when unknown."""
    if age + 1 >= min(s.n_beats, BEATS) or s.beat_follows[(s.n_beats - 1 - age) % BEATS] == 0:
        return -1
    return beat_sample(s, age) - beat_sample(s, age + 1)


@njit(cache=True, nogil=True)
def run_of_intervals(s, most):
    """(successive known intervals up to the newest beat, at most ``most``; samples they span)."""
    span = 0
    for age in range(most):
        length = interval(s, age)
        if length < 0:
            return age, span
        span += length
    return most, span


@njit(cache=True, nogil=True)
def ventricular_run(s):
    """Successive ventricular beats up to the newest."""
    count = 0
    while count < min(s.n_beats, BEATS - 1) and is_ventricular(s, count):
        count += 1
    return count


@njit(cache=True, nogil=True)
def heart_rate(s, known):
    """Mean rate of the last eight known intervals, bpm; NaN when unknown or stale. ``known``: beats up to here are."""
    if s.n_beats == 0 or known - beat_sample(s, 0) > STALE:
        return np.nan
    count, span = 0, 0
    for age in range(2 * RATE_INTERVALS):
        length = interval(s, age)
        if length > 0 and count < RATE_INTERVALS:
            count += 1
            span += length
    return 60.0 * GRID_HZ * count / span if count >= _LEAST_INTERVALS else np.nan


@njit(cache=True, nogil=True)
def pvc_rate(s, known, since):
    """Ventricular beats per minute over the last 60 s, or ``since`` a grid sample if later; NaN below 15 s."""
    span = min(known - since, _PVC_SPAN)
    if span < _PVC_LEAST_SPAN:
        return np.nan
    count = 0
    for age in range(min(s.n_beats, BEATS)):
        if beat_sample(s, age) < known - span:
            break
        count += is_ventricular(s, age)
    return 60.0 * GRID_HZ * count / span
