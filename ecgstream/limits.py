"""What a bed is judged by: its limits, their bounds, and the presets for kinds of patients and wards.

Sources of the presets are in docs/alarms.md.
"""

from __future__ import annotations

import numpy as np

BOUNDS = {
    "bradycardia_bpm": (20.0, 150.0),
    "tachycardia_bpm": (80.0, 250.0),
    "extreme_bradycardia_bpm": (15.0, 120.0),
    "extreme_tachycardia_bpm": (100.0, 300.0),
    "ventricular_tachycardia_bpm": (100.0, 200.0),
    "pause_s": (1.5, 4.0),
    "asystole_s": (3.0, 10.0),
    "pvc_per_min": (1.0, 60.0),
}
"""Every limit with the least and the greatest it may be."""

LIMITS_DTYPE = np.dtype([(name, np.float64) for name in BOUNDS])
"""The limits of one bed."""

_COLUMNS = tuple(BOUNDS)
PRESETS: dict[str, dict[str, float]] = {
    name: dict(zip(_COLUMNS, values, strict=True))
    for name, values in {
        "adult": (50, 120, 40, 140, 100, 2.5, 4.0, 10),
        "child": (75, 160, 55, 180, 120, 2.0, 4.0, 5),
        "neonate": (100, 200, 80, 220, 150, 1.5, 3.0, 5),
        "icu": (50, 120, 40, 140, 100, 2.0, 4.0, 10),
        "ambulatory": (45, 130, 35, 150, 100, 3.0, 4.0, 10),
    }.items()
}

_ORDER = (
    ("extreme_bradycardia_bpm", "bradycardia_bpm", True),
    ("bradycardia_bpm", "tachycardia_bpm", False),
    ("tachycardia_bpm", "extreme_tachycardia_bpm", True),
    ("pause_s", "asystole_s", False),
)
"""Lower and higher of each pair, and whether they may be equal."""


def limits_of(preset: str = "adult", **given: float) -> np.ndarray:
    """The limits of a preset, those ``given`` in their place: LIMITS_DTYPE ()."""
    return np.array(tuple((PRESETS[preset] | given)[name] for name in BOUNDS), LIMITS_DTYPE)


def as_dict(limits: np.void | np.ndarray) -> dict[str, float]:
    """One bed's limits by name."""
    return dict(zip(BOUNDS, limits.item(), strict=True))


def fault_of(limits: dict[str, float]) -> str:
    """What is wrong with a whole set of limits, in a sentence; empty if nothing is."""
    for name, value in limits.items():
        low, high = BOUNDS[name]
        if not low <= value <= high:
            return f"The limit {name} lies between {low:g} and {high:g}; {value:g} was given."
    for lower, higher, equal in _ORDER:
        if limits[lower] > limits[higher] or (limits[lower] == limits[higher] and not equal):
            relation = "not lie above" if equal else "lie below"
            return f"The limit {lower} ({limits[lower]:g}) must {relation} {higher} ({limits[higher]:g}); give both."
    return ""
