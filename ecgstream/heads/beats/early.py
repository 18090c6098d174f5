"""Premature supraventricular beats made from sinus rhythm: diastole is cut out before a beat, and its P wave altered.

Few patients of DS1 have many such beats, and hardly any has them in runs; made ones let every patient teach them.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...evaluation.ec57 import CLASSES, BeatList
from ...evaluation.records import Record

RUNS = (1, 1, 1, 1, 2, 3, 5, 12)
"""Beats made early in a row, one length as likely as the other."""
START_SHARE = 0.03
EARLY = (0.55, 0.86)
"""Of the interval, what is left."""
P_SIZES = (-1.0, -0.5, 0.0, 0.4, 1.0)
MOST_JITTER = 0.08
"""A rhythm whose intervals change by more than this from one to the next (in the median) may be atrial fibrillation."""
_P_S = (0.24, 0.06)
_T_S = 0.22
_JOINT_S = 0.1
_N, _S = CLASSES.index("N"), CLASSES.index("S")


def made_early(of: tuple[Record, BeatList], rng: np.random.Generator) -> tuple[Record, BeatList] | None:
    """The recording with some of its normal beats made early, and labelled S; None where its rhythm is not regular."""
    record, beats = of
    rr = np.diff(beats.time_s)
    if np.median(np.abs(np.diff(rr))) > MOST_JITTER * np.median(rr):
        return None
    chosen, left = _chosen(beats.labels(), rng)
    fs = float(record.fs_hz)
    at = np.rint(beats.time_s * fs).astype(np.int64)
    adu = record.adu.astype(np.float64)
    kept, moved = np.ones(adu.shape[1], bool), np.zeros(len(at))
    for beat in np.flatnonzero(chosen):
        stop = at[beat] - int(_P_S[0] * fs)
        start = max(stop - int((1 - left[beat]) * (at[beat] - at[beat - 1])), at[beat - 1] + int(_T_S * fs))
        if start >= stop:
            chosen[beat] = False
            continue
        _alter_p(adu, stop, at[beat] - int(_P_S[1] * fs), rng.choice(P_SIZES))
        _join(adu, start, stop, int(_JOINT_S * fs))
        kept[start:stop] = False
        moved[beat:] += stop - start
    labels = np.where(chosen, _S, beats.labels())
    short = np.rint(adu[:, kept]).astype(np.int16)
    return replace(record, adu=short), BeatList((at - moved) / fs, labels)


def _chosen(labels: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Which beats are made early, and what is left of their intervals."""
    chosen, left = np.zeros(len(labels), bool), np.ones(len(labels))
    beat = 2
    while beat < len(labels) - 2:
        length = int(rng.choice(RUNS))
        if rng.random() < START_SHARE and (labels[beat - 2 : beat + length + 1] == _N).all():
            run = slice(beat, min(beat + length, len(labels) - 2))
            chosen[run] = True
            left[run] = rng.uniform(*EARLY) * rng.normal(1, 0.02, run.stop - run.start)
            beat += length + 3
        beat += 1
    return chosen, left


def _alter_p(adu: np.ndarray, start: int, stop: int, size: float) -> None:
    """Scale what stands above or below the line between two samples."""
    line = np.linspace(adu[:, start], adu[:, stop], stop - start, axis=1)
    adu[:, start:stop] = line + size * (adu[:, start:stop] - line)


def _join(adu: np.ndarray, start: int, stop: int, over: int) -> None:
    """Let what follows ``stop`` begin where ``start`` is."""
    step = adu[:, start] - adu[:, stop]
    adu[:, stop : stop + over] += step[:, None] * np.linspace(1, 0, over)
