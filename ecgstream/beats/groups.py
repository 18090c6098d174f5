"""Two groups of the last RR intervals, shorter and longer ones, and where an interval lies in them. Compiled.

Where premature beats are as many as others, no median tells which interval is whose. The logarithms of the last 128
intervals are cut in two where the variance between the groups is greatest (Otsu 1979), whichever is the larger.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from .state import LONG_INTERVALS

NAMES = (
    "rr_separability", "rr_longer_to_shorter", "rr_shorter_share", "rr_to_longer", "rr_to_shorter", "rr_ashman_d",
    "rr_longer_alike", "rank128",
)  # fmt: skip
RR_TO_LONGER = NAMES.index("rr_to_longer")
LEAST = 16
"""Fewer intervals make no groups."""
_STEPS = 256
_SHORTEST_S, _STEPS_PER_E = 0.2, 94.0
"""Steps of about 1 % from 0.2 to 3.0 s."""
_ALIKE = 7


@njit(cache=True, nogil=True)
def step_of(rr):
    """The step, 0 to 255, on the scale of logarithms, of an interval in s."""
    return int(min(max(np.log(rr / _SHORTEST_S) * _STEPS_PER_E, 0.0), _STEPS - 1.0))


@njit(cache=True, nogil=True)
def _interval_of(step):
    return _SHORTEST_S * np.exp((step + 0.5) / _STEPS_PER_E)


@njit(cache=True, nogil=True)
def measure_groups(s, rr, out):
    """``NAMES`` of the interval ``rr`` (s, NaN when unknown) among those before it, into ``out``: of the variance of
    logarithms the part between groups; longer over shorter median; share of shorter ones; ``rr`` over either median;
    how many standard deviations lie between the means (Ashman 1994); how many are like the longer median; rank."""
    n = min(s.n_intervals, LONG_INTERVALS)
    if n < LEAST:
        return
    count = np.zeros(_STEPS, np.int64)
    total = squares = 0
    for i in range(n):
        step = np.int64(s.rr_step[i])
        count[step] += 1
        total, squares = total + step, squares + step * step
    spread = n * squares - total * total
    if spread == 0:
        return
    between, cut, n_shorter, of_shorter = _cut(count, n, total)
    shorter, longer = _middle(count, 0, n_shorter), _middle(count, cut + 1, n - n_shorter)
    out[0], out[2] = between / spread, n_shorter / n
    out[1] = _interval_of(longer) / _interval_of(shorter)
    out[3], out[4] = rr / _interval_of(longer), rr / _interval_of(shorter)
    out[5] = _ashman_d(count[: cut + 1], (n_shorter, of_shorter), (n - n_shorter, total - of_shorter), squares)
    out[6] = count[max(longer - _ALIKE, cut + 1) : longer + _ALIKE + 1].sum()
    if rr == rr:
        out[7] = count[: step_of(rr)].sum() / n


@njit(cache=True, nogil=True)
def _cut(count, n, total):
    """(variance between the groups times n squared, last step of the shorter ones, how many they are, their sum)."""
    best, at, n_at, sum_at = -1.0, 0, 0, 0
    n_shorter = of_shorter = 0
    for step in range(_STEPS):
        if count[step]:
            n_shorter, of_shorter = n_shorter + count[step], of_shorter + step * count[step]
            if n_shorter == n:
                break
            apart = np.float64(total * n_shorter - n * of_shorter)
            between = apart * apart / (n_shorter * (n - n_shorter))
            if between > best:
                best, at, n_at, sum_at = between, step, n_shorter, of_shorter
    return best, at, n_at, sum_at


@njit(cache=True, nogil=True)
def _middle(count, first, n):
    """The median step of the ``n`` intervals from step ``first`` on."""
    left = n // 2
    while count[first] <= left:
        left -= count[first]
        first += 1
    return first


@njit(cache=True, nogil=True)
def _ashman_d(of_shorter, shorter, longer, squares):
    """Distance of the means over the root mean variance. ``shorter`` and ``longer``: how many, sum of steps."""
    squares_shorter = 0
    for step in range(len(of_shorter)):
        squares_shorter += step * step * of_shorter[step]
    mean, mean_longer = shorter[1] / shorter[0], longer[1] / longer[0]
    variance = squares_shorter / shorter[0] - mean * mean
    variance_longer = (squares - squares_shorter) / longer[0] - mean_longer * mean_longer
    rounding = 1 / 12  # variance within a step
    return (mean_longer - mean) / np.sqrt((variance + variance_longer) / 2 + rounding)
