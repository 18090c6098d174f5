"""From the dipole to the leads a monitor shows."""

from __future__ import annotations

import numpy as np

MEASURED = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
"""Leads that are independent; the other four limb leads are sums of I and II (Einthoven, Goldberger)."""

# Dower, Machado, Osborne: "On deriving the electrocardiogram from vectorcardiographic leads", Clin Cardiol 3, 1980.
FROM_DIPOLE = np.array(
    [
        [0.632, -0.235, 0.059],
        [0.235, 1.066, -0.132],
        [-0.515, 0.157, -0.917],
        [0.044, 0.164, -1.387],
        [0.882, 0.098, -1.277],
        [1.213, 0.127, -0.601],
        [1.125, 0.127, -0.086],
        [0.831, 0.076, 0.230],
    ]
)

_LIMB = {"III": (-1, 1), "aVR": (-0.5, -0.5), "aVL": (1, -0.5), "aVF": (-0.5, 1)}


def from_measured(names: tuple[str, ...]) -> np.ndarray:
    """Matrix (leads, 8) that makes these leads of the measured ones. A chest lead ``V`` sits where V1 does."""
    matrix = np.zeros((len(names), len(MEASURED)))
    for row, name in enumerate(names):
        if name in _LIMB:
            matrix[row, :2] = _LIMB[name]
        else:
            matrix[row, MEASURED.index("V1" if name == "V" else name)] = 1
    return matrix
