"""Premature and late intervals of a strip, and how even it is without them and from place to place. Compiled."""

from __future__ import annotations

import numpy as np
from numba import njit

_LOCAL = 8
"""Successive intervals of a local spread."""

NAMES = (
    *(
        "ectopy.premature",
        "ectopy.compensated",
        "ectopy.uncompensated",
        "ectopy.late",
        "ectopy.doubled",
        "ectopy.alternating",
    ),
    *("ectopy.least_ratio", "ectopy.most_ratio", "ectopy.rest_rmssd", "ectopy.rest_cv", "ectopy.rest_count"),
    *("ectopy.local_cv_least", "ectopy.local_cv_median", "ectopy.local_cv_most"),
    *("ectopy.local_rate_most", "ectopy.local_rate_least", "ectopy.local_change_least"),
)


@njit(cache=True, nogil=True)
def measure_ectopy(rr, out):
    """Premature intervals and what follows them, against the median around; then what is left without them."""
    n = len(rr)
    out[:] = 0.0
    least, most = 1.0, 1.0
    rest, kept = np.empty(n), 0
    for i in range(n):
        usual = np.median(rr[max(i - 4, 0) : i + 5])
        ratio = rr[i] / usual
        after = rr[i + 1] / usual if i + 1 < n else 1.0
        least, most = min(least, ratio), max(most, ratio)
        if ratio < 0.85:
            out[0] += 1
            out[1] += after > 1.1
            out[2] += after <= 1.1
        out[3] += ratio > 1.3
        out[4] += 1.85 < ratio < 2.15
        if i > 1:
            out[5] += abs(rr[i] - rr[i - 2]) < 0.1 * usual and abs(rr[i] - rr[i - 1]) > 0.2 * usual
        if 0.85 <= ratio <= 1.15:
            rest[kept] = rr[i]
            kept += 1
    out[:6] /= n
    out[6], out[7], out[10] = least, most, kept / n
    out[8] = out[9] = np.nan
    if kept > 2:
        out[8] = np.sqrt((np.diff(rest[:kept]) ** 2).mean()) / rest[:kept].mean()
        out[9] = rest[:kept].std() / rest[:kept].mean()
    _local(rr, out[11:])


@njit(cache=True, nogil=True)
def _local(rr, out):
    """Spread and rate over every run of _LOCAL intervals: least, median and most."""
    length = min(_LOCAL, len(rr))
    n = len(rr) - length + 1
    cv, mean, change = np.empty(n), np.empty(n), np.empty(n)
    for i in range(n):
        part = rr[i : i + length]
        mean[i] = part.mean()
        cv[i] = part.std() / mean[i]
        change[i] = np.median(np.abs(np.diff(part))) / mean[i]
    out[0], out[1], out[2] = cv.min(), np.median(cv), cv.max()
    out[3], out[4], out[5] = 60 / mean.min(), 60 / mean.max(), change.min()
