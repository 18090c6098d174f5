"""Rhythms whose atria are in no order, made from sinus rhythm: fibrillation, and flutter with changing conduction.

Few patients of DS1 have either, and what conducts now every second, now every fourth wave of flutter looks like
premature beats with pauses behind them. P waves are taken out, beats moved, and the atria's own waves added.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...evaluation.ec57 import CLASSES, BeatList
from ...waveform import CODE_LIMIT
from .early import P_S, SAME_BEATS, Annotated, alter_p, is_regular, with_intervals

FLUTTER_SHARE = 0.5
FLUTTER_HZ, CONDUCTED, CONDUCTED_SHARE = (3.6, 5.8), (2, 3, 4, 5, 6), (0.35, 0.2, 0.3, 0.1, 0.05)
"""Waves, and every how many of them is conducted."""
ALTERNATING_SHARE = 0.3
MEAN_S, SPREAD, LEAST_S = (0.45, 1.1), (0.12, 0.3), 0.32
"""Intervals in fibrillation: mean, and spread of their logarithm."""
FIBRILLATION_HZ = (4.5, 8.0)
FLUTTER_SIZE, FIBRILLATION_SIZE = (0.02, 0.1), (0.0, 0.05)
"""Of atrial waves against the span of the ECG."""
_OF_MEDIAN = (0.3, 3.0)
_N = CLASSES.index("N")


def unordered(of: Annotated, rng: np.random.Generator) -> Annotated | None:
    """The recording with atria that fibrillate or flutter, its beats what they were; None where its rhythm is not
    regular."""
    if not is_regular(of):
        return None
    record, beats = of
    fs, labels = float(record.fs_hz), beats.labels()
    normal = (labels == _N) & (np.roll(labels, 1) == _N)
    normal[:2] = False
    adu = record.adu.astype(np.float64)
    for at in np.rint(beats.time_s[normal] * fs).astype(int):
        alter_p(adu, at - int(P_S[0] * fs), at - int(P_S[1] * fs), 0.0)
    own_s = np.maximum(np.diff(beats.time_s, prepend=0.0), 0.2)
    left, stretches = np.ones(len(labels)), []
    for start in range(2, len(labels) - 2, SAME_BEATS):
        stop = min(start + SAME_BEATS, len(labels) - 2)
        flutter_hz = rng.uniform(*FLUTTER_HZ) if rng.random() < FLUTTER_SHARE else 0.0
        wanted_s = _conducted(stop - start, flutter_hz, rng) if flutter_hz else _fibrillating(stop - start, rng)
        left[start:stop] = np.clip(wanted_s / own_s[start:stop], *_OF_MEDIAN)
        stretches.append((start, stop, flutter_hz))
    left[~normal] = 1
    bare = replace(record, adu=np.rint(adu).astype(np.int16))
    record, moved = with_intervals((bare, beats), left, np.zeros(len(labels)))
    adu, span = record.adu.astype(np.float64), np.ptp(np.percentile(adu, (0.5, 99.5), axis=1), axis=0)
    for start, stop, flutter_hz in stretches:
        part = slice(*(int(moved.time_s[beat] * fs) for beat in (start, stop)))
        adu[:, part] += span[:, None] * _waves(part.stop - part.start, fs, flutter_hz, len(span), rng)
    adu = np.clip(np.rint(adu), int(CODE_LIMIT), 32767).astype(np.int16)
    return replace(record, adu=adu), BeatList(moved.time_s, labels)


def _fibrillating(n: int, rng: np.random.Generator) -> np.ndarray:
    """Intervals, s: what comes next depends little on what was."""
    spread = rng.uniform(*SPREAD)
    drawn = rng.normal(0, spread, n)
    drawn[1:] += rng.uniform(-0.2, 0.3) * drawn[:-1]
    return np.maximum(rng.uniform(*MEAN_S) * np.exp(drawn), LEAST_S)


def _conducted(n: int, flutter_hz: float, rng: np.random.Generator) -> np.ndarray:
    """Intervals, s, of so many waves each: a number stays for a while, or two take turns."""
    kinds = rng.choice(CONDUCTED, 3, p=CONDUCTED_SHARE)
    chosen = rng.integers(0, 3, n)
    changes = rng.random(n) > rng.uniform(0.2, 0.95)
    if rng.random() < ALTERNATING_SHARE:
        of = np.where(changes, chosen, np.arange(n) % 2)
    else:
        of = chosen[np.maximum.accumulate(np.where(changes, np.arange(n), 0))]
    return np.maximum(kinds[of] / flutter_hz * rng.normal(1, rng.uniform(0.005, 0.03), n), LEAST_S)


def _waves(n: int, fs_hz: float, flutter_hz: float, leads: int, rng: np.random.Generator) -> np.ndarray:
    """(leads, n): saw-teeth of flutter, or fibrillation's waves, whose rate and size wander."""
    seconds = max(int(n / fs_hz), 2)
    wander, size = rng.normal(0, 0.15, seconds), rng.uniform(0.3, 1, 2 * seconds)
    hz = flutter_hz or rng.uniform(*FIBRILLATION_HZ) * (1 + np.interp(np.arange(n), np.linspace(0, n, seconds), wander))
    phase = 2 * np.pi * np.cumsum(np.broadcast_to(hz, n)) / fs_hz
    if flutter_hz:
        wave, most = sum(np.sin(k * phase + rng.uniform(0, 0.5)) / k for k in (1, 2, 3)), FLUTTER_SIZE
    else:
        wave = np.interp(np.arange(n), np.linspace(0, n, 2 * seconds), size) * (np.sin(phase) + 0.4 * np.sin(2 * phase))
        most = FIBRILLATION_SIZE
    return wave * (rng.uniform(*most, leads) * rng.choice((-1, 1), leads))[:, None]
