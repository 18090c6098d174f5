"""Made-up hearts, lead by lead."""

from __future__ import annotations

import numpy as np

SECONDS = 90


def heart(p: float = 0.1, qrs: float = 0.8, t: float = 0.2) -> np.ndarray:
    """mV at 250 Hz, 75 a minute: bumps for P, QRS and T."""
    s = np.arange(SECONDS * 250) / 250
    bumps = ((p, -0.16, 0.02), (qrs, 0.0, 0.012), (t, 0.25, 0.04))
    at = np.arange(0.6, SECONDS, 0.8)
    return sum(size * np.exp(-(((s - one - lag) / wide) ** 2)) for one in at for size, lag, wide in bumps)


NORMAL = heart()
SECOND = heart(0.15, 1.0, 0.3)
CHEST = heart(0.05, 1.2, 0.3)
"""I, II and V6 with electrodes where they belong; with arms exchanged they are -NORMAL, SECOND - NORMAL and CHEST."""
