"""The beating heart as a dipole: each beat is a sum of Gaussians in time, each with its own direction in space.

The method is that of McSharry et al., "A dynamical model for generating synthetic electrocardiogram signals", IEEE
Trans Biomed Eng 50(3), 2003, in the three-dimensional form of Sameni et al., "Multichannel ECG and noise modeling",
EURASIP J Adv Signal Process 2007, 043407, and Clifford et al., "An artificial vector model for generating abnormal
electrocardiographic rhythms", Physiol Meas 31(5), 2010. The waves here are set in seconds around the R peak instead of
phase, so that only repolarisation, and not the QRS, shortens with the rate. Axes are Frank's: x to the patient's left,
y to the feet, z to the back.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

BEFORE_S = 0.35
"""How long before its R peak a beat may show."""
AFTER_S = 0.95
"""How long after its R peak a beat may show."""
_BREATHING = 0.04
"""Share by which a beat grows and shrinks as the chest moves."""


class Kind(IntEnum):
    """How a beat arose."""

    SINUS = 0
    NO_P = 1  # conducted through the AV node, without a P wave of its own
    VENTRICULAR = 2
    PACED = 3


@dataclass(frozen=True, slots=True)
class Beats:
    """Beats in order of time."""

    time_s: np.ndarray  # float64 (B,), R peak, or the middle of a wide QRS
    kind: np.ndarray  # int64 (B,), Kind
    rr_s: np.ndarray  # float64 (B,), prevailing RR interval, to which repolarisation has adapted

    def between(self, start_s: float, stop_s: float) -> Beats:
        """Beats of which some may show in ``[start_s, stop_s)``."""
        first, last = np.searchsorted(self.time_s, (start_s - AFTER_S, stop_s + BEFORE_S))
        return Beats(self.time_s[first:last], self.kind[first:last], self.rr_s[first:last])


# offset_s from the R peak, width_s (standard deviation); x, y, z in mV; 1 where both times stretch with RR.
_P = [(-0.160, 0.022, 0.06, 0.11, -0.03, 0)]
_QRS = [
    (-0.030, 0.008, -0.12, -0.05, -0.15, 0),
    (0.000, 0.011, 1.00, 0.90, 0.30, 0),
    (0.024, 0.010, -0.20, -0.15, 0.55, 0),
]
_T = [(0.255, 0.050, 0.14, 0.10, -0.10, 1), (0.305, 0.032, 0.18, 0.14, -0.12, 1)]
# From the left ventricle's apex: up and to the right, and a T wave that points the other way.
_VENTRICULAR = [
    (-0.034, 0.022, 0.30, -0.60, -1.00, 0),
    (0.020, 0.029, -0.95, -1.30, -0.20, 0),
    (0.310, 0.070, 0.32, 0.50, 0.28, 1),
]
# From the right ventricle's apex: up, to the left and to the back.
_PACED = [
    (-0.030, 0.024, 0.25, -0.30, 0.25, 0),
    (0.020, 0.032, 0.70, -0.95, 0.80, 0),
    (0.300, 0.065, -0.25, 0.40, -0.40, 1),
]
_SHAPES = {
    Kind.SINUS: np.array(_P + _QRS + _T),
    Kind.NO_P: np.array(_QRS + _T),
    Kind.VENTRICULAR: np.array(_VENTRICULAR),
    Kind.PACED: np.array(_PACED),
}


AGES = {"adult": (1.0, 1.0), "child": (0.75, 0.8), "neonate": (0.6, 0.5)}
"""How long P and QRS are, and how tall everything is, against an adult's: a newborn's QRS takes some 50 ms."""


class Heart:
    """One patient's beats: the shapes above, turned and scaled a little differently in everyone."""

    def __init__(self, rng: np.random.Generator, age: str = "adult"):
        turn = _rotation(rng.normal(0, np.radians(10), 3)) * rng.uniform(0.8, 1.25)
        self._shapes = {kind: _vary(_of_age(shape, age), turn, rng) for kind, shape in _SHAPES.items()}

    def render(self, beats: Beats, fs_hz: int, start: int, stop: int) -> np.ndarray:
        """Dipole of the beats at samples ``[start, stop)``, float64 (3, samples), mV."""
        dipole = np.zeros((3, stop - start))
        beats = beats.between(start / fs_hz, stop / fs_hz)
        for kind in np.unique(beats.kind):
            of_kind = beats.kind == kind
            first, shown = _shown(self._shapes[Kind(kind)], beats.time_s[of_kind], beats.rr_s[of_kind], fs_hz)
            for at, beat in zip(first - start, shown, strict=True):
                left, right = max(at, 0), max(min(at + beat.shape[1], stop - start), 0)
                dipole[:, left:right] += beat[:, left - at : right - at]
        return dipole


def _shown(shape: np.ndarray, time_s: np.ndarray, rr_s: np.ndarray, fs_hz: int) -> tuple[np.ndarray, np.ndarray]:
    """First sample (B,) of each beat and its dipole (B, 3, samples), exact to a fraction of a sample."""
    first = np.floor((time_s - BEFORE_S) * fs_hz).astype(np.int64)
    t_s = (first[:, None] + np.arange(int((BEFORE_S + AFTER_S) * fs_hz))) / fs_hz - time_s[:, None]
    # QT adapts about as the square root of RR (Bazett); 1 s is the reference.
    stretch = np.where(shape[:, 5] > 0, np.sqrt(rr_s)[:, None], 1.0)  # (B, waves)
    offset_s, width_s = shape[:, 0] * stretch, shape[:, 1] * stretch
    waves = np.exp(-0.5 * ((t_s[:, None, :] - offset_s[:, :, None]) / width_s[:, :, None]) ** 2)
    beats = np.einsum("wc,bwt->bct", shape[:, 2:5], waves, optimize=True)
    return first, beats * (1 + _BREATHING * np.sin(2 * np.pi * 0.25 * time_s))[:, None, None]


def _of_age(shape: np.ndarray, age: str) -> np.ndarray:
    length, height = AGES[age]
    scaled = shape.copy()
    scaled[shape[:, 5] == 0, :2] *= length  # those that stretch with RR are shorter by themselves
    scaled[:, 2:5] *= height
    return scaled


def _vary(shape: np.ndarray, turn: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    varied = shape.copy()
    varied[:, 1] *= rng.uniform(0.93, 1.07, len(shape))
    varied[:, 2:5] = (shape[:, 2:5] * rng.uniform(0.9, 1.1, (len(shape), 1))) @ turn.T
    return varied


def _rotation(angles: np.ndarray) -> np.ndarray:
    """Rotation matrix (3, 3) by the angles (rad) about x, then y, then z."""
    (cx, cy, cz), (sx, sy, sz) = np.cos(angles), np.sin(angles)
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return about_z @ about_y @ about_x
