"""Rhythms as RR intervals and kinds of beat, whole arrays at a time; times are seconds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ecgstream.waveform import LETHAL, Condition

from .heart import Kind

Intervals = tuple[np.ndarray, np.ndarray]
"""Interval (s) before each beat, float64 (B,), and its Kind, int64 (B,)."""

_ATRIAL_CYCLE_S = 0.2  # of flutter: 300 per minute


@dataclass(frozen=True, slots=True)
class Rhythm:
    """A rhythm one can script: ``intervals(rng, bpm, n_beats)`` gives its beats, None for a rhythm without any."""

    intervals: Callable[[np.random.Generator, float, int], Intervals] | None
    bpm: float
    condition: Condition | None = None

    @property
    def lethal(self) -> bool:
        """Whether an alarm must come within 10 s."""
        return self.condition in LETHAL


def _sinus(rng: np.random.Generator, bpm: float, n_beats: int) -> Intervals:
    """Respiratory (0.25 Hz) and slow (0.1 Hz) variation around the mean, as in McSharry et al. 2003."""
    mean_s = 60 / bpm
    time_s = np.arange(n_beats) * mean_s
    breath, slow = rng.uniform(0, 2 * np.pi, 2)
    swing = 0.025 * np.sin(2 * np.pi * 0.25 * time_s + breath) + 0.015 * np.sin(2 * np.pi * 0.1 * time_s + slow)
    return mean_s * (1 + swing + rng.normal(0, 0.008, n_beats)), np.full(n_beats, Kind.SINUS)


def _regular(kind: Kind, spread: float) -> Callable[[np.random.Generator, float, int], Intervals]:
    def intervals(rng: np.random.Generator, bpm: float, n_beats: int) -> Intervals:
        return 60 / bpm * (1 + spread * rng.standard_normal(n_beats)), np.full(n_beats, kind)

    return intervals


def _irregular(rng: np.random.Generator, bpm: float, n_beats: int) -> Intervals:
    """Atrial fibrillation: independent intervals, log-normal with a coefficient of variation of about 0.22."""
    rr_s = 60 / bpm * np.exp(rng.normal(-0.022, 0.21, n_beats))
    return np.maximum(rr_s, 0.32), np.full(n_beats, Kind.NO_P)


def _flutter(rng: np.random.Generator, bpm: float, n_beats: int) -> Intervals:
    """One beat for every few flutter waves, now and then one wave more or less."""
    usual = max(2, round(60 / bpm / _ATRIAL_CYCLE_S))
    waves = np.maximum(usual + rng.choice((-1, 0, 1), n_beats, p=(0.1, 0.8, 0.1)), 2)
    return waves * _ATRIAL_CYCLE_S, np.full(n_beats, Kind.NO_P)


def _with_pvcs(rng: np.random.Generator, bpm: float, n_beats: int) -> Intervals:
    is_pvc = rng.random(n_beats) < 0.15
    return _premature(is_pvc, *_sinus(rng, bpm, n_beats))


def _bigeminy(rng: np.random.Generator, bpm: float, n_beats: int) -> Intervals:
    return _premature(np.arange(n_beats) % 2 == 1, *_sinus(rng, bpm, n_beats))


def _premature(is_pvc: np.ndarray, rr_s: np.ndarray, kind: np.ndarray) -> Intervals:
    """PVCs come early, and the pause after each makes up for it, so that sinus beats keep their beat."""
    is_pvc[0] = False
    is_pvc[1:] &= ~is_pvc[:-1]
    early_s = np.where(is_pvc, 0.4 * rr_s, 0)
    kind[is_pvc] = Kind.VENTRICULAR
    return rr_s - early_s + np.concatenate(([0], early_s[:-1])), kind


def _with_pauses(rng: np.random.Generator, bpm: float, n_beats: int) -> Intervals:
    rr_s, kind = _sinus(rng, bpm, n_beats)
    rr_s[4::10] = rng.uniform(2.9, 3.4, len(rr_s[4::10]))
    return rr_s, kind


RHYTHMS = {
    "sinus": Rhythm(_sinus, 72),
    "sinus_bradycardia": Rhythm(_sinus, 45, Condition.BRADYCARDIA),
    "sinus_tachycardia": Rhythm(_sinus, 130, Condition.TACHYCARDIA),
    "extreme_bradycardia": Rhythm(_sinus, 30, Condition.EXTREME_BRADYCARDIA),
    "extreme_tachycardia": Rhythm(_regular(Kind.NO_P, 0.005), 185, Condition.EXTREME_TACHYCARDIA),
    "atrial_fibrillation": Rhythm(_irregular, 95, Condition.ATRIAL_FIBRILLATION),
    "atrial_flutter": Rhythm(_flutter, 75),
    "pvcs": Rhythm(_with_pvcs, 75),
    "bigeminy": Rhythm(_bigeminy, 80),
    "pauses": Rhythm(_with_pauses, 65, Condition.PAUSE),
    "paced": Rhythm(_regular(Kind.PACED, 0.0), 70),
    "ventricular_tachycardia": Rhythm(_regular(Kind.VENTRICULAR, 0.01), 170, Condition.VENTRICULAR_TACHYCARDIA),
    "ventricular_fibrillation": Rhythm(None, 0, Condition.VENTRICULAR_FIBRILLATION),
    "asystole": Rhythm(None, 0, Condition.ASYSTOLE),
}
