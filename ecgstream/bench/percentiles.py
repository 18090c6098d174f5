"""Percentiles as every benchmark states them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def percentiles(values_s: Sequence[float]) -> dict[str, float | None]:
    """``count``, ``p50``, ``p99`` and ``max`` of durations in seconds; None where there are none."""
    if not values_s:
        return {"count": 0, "p50": None, "p99": None, "max": None}
    p50, p99 = np.percentile(values_s, (50, 99)).tolist()
    return {"count": len(values_s), "p50": round(p50, 4), "p99": round(p99, 4), "max": round(max(values_s), 4)}
