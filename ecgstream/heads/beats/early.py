"""Rhythms made from sinus rhythm by moving beats: premature supraventricular beats, alone, in runs or as the usual
ones, and pauses. Diastole is cut out before a beat or lengthened, and the P wave altered.

Few patients of DS1 have many premature beats, hardly any has them in runs, none has them for most of the time; made
ones let every patient teach them.
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
SAME_BEATS = 250
"""Beats over which a rhythm of ectopic beats keeps its character."""
RACES = (20, 200)
"""Beats of a run as long as those of supraventricular tachycardia, and beats between two."""
SWAY, SWAY_BEATS = (0.02, 0.22), (3.0, 9.0)
"""Of the interval, by which it changes with breathing; in how many beats to and fro."""
PAUSE = (1.0, 2.2)
PAUSE_SHARE = (0.03, 0.3)
P_S = (0.24, 0.06)
"""Where the P wave lies before a beat."""
_T_S = 0.22
_JOINT_S = 0.1
_REST = 0.6
"""From here on in an interval there is neither T nor P wave."""
_N, _S = CLASSES.index("N"), CLASSES.index("S")

Annotated = tuple[Record, BeatList]


def made_early(of: Annotated, rng: np.random.Generator) -> Annotated | None:
    """The recording with some of its normal beats made early, and labelled S; None where its rhythm is not regular."""
    if not is_regular(of):
        return None
    labels = of[1].labels()
    left = np.ones(len(labels))
    beat = 2
    while beat < len(labels) - 2:
        length = int(rng.choice(RUNS))
        if rng.random() < START_SHARE and (labels[beat - 2 : beat + length + 1] == _N).all():
            run = slice(beat, min(beat + length, len(labels) - 2))
            left[run] = rng.uniform(*EARLY) * rng.normal(1, 0.02, run.stop - run.start)
            beat += length + 3
        beat += 1
    return with_intervals(of, left, rng.choice(P_SIZES, len(labels)))


def mostly_early(of: Annotated, rng: np.random.Generator) -> Annotated | None:
    """The recording with most of its normal beats made early, in runs with pauses behind them; None as above."""
    if not is_regular(of):
        return None
    labels = of[1].labels()
    left, p_size = np.ones(len(labels)), np.zeros(len(labels))
    for start in range(2, len(labels) - 2, SAME_BEATS):
        stop = min(start + SAME_BEATS, len(labels) - 2)
        left[start:stop], p_size[start:stop] = _early_rhythm(stop - start, rng)
    left[(labels != _N) | (np.roll(labels, 1) != _N)] = 1
    return with_intervals(of, left, p_size)


def paused(of: Annotated, rng: np.random.Generator) -> Annotated | None:
    """The recording with pauses before some of its normal beats, which no early beat has caused; None as above."""
    if not is_regular(of):
        return None
    labels = of[1].labels()
    left = np.where(rng.random(len(labels)) < rng.uniform(*PAUSE_SHARE), rng.uniform(*PAUSE, len(labels)), 1.0)
    left[:2] = 1
    left[(labels != _N) | (np.roll(labels, 1) != _N)] = 1
    return with_intervals(of, left, np.zeros(len(labels)))


def raced(of: Annotated, rng: np.random.Generator) -> Annotated | None:
    """The recording with long runs of its normal beats made early; None as above."""
    if not is_regular(of):
        return None
    labels = of[1].labels()
    left = np.ones(len(labels))
    beat = int(rng.integers(*RACES))
    while beat < len(labels) - 2:
        run = slice(beat, min(beat + int(rng.integers(*RACES)), len(labels) - 2))
        left[run] = rng.uniform(*EARLY) * rng.normal(1, 0.02, run.stop - run.start)
        beat = run.stop + int(rng.integers(*RACES))
    left[(labels != _N) | (np.roll(labels, 1) != _N)] = 1
    return with_intervals(of, left, np.repeat(rng.choice(P_SIZES, len(labels) // 10 + 1), 10)[: len(labels)])


def swaying(of: Annotated, rng: np.random.Generator) -> Annotated | None:
    """The recording with a rhythm that breathing quickens and slows, its beats what they were; None as above."""
    if not is_regular(of):
        return None
    labels = of[1].labels()
    n = len(labels)
    depth = np.repeat(rng.uniform(*SWAY, n // SAME_BEATS + 1), SAME_BEATS)[:n]
    phase = 2 * np.pi * np.cumsum(rng.normal(1, 0.1, n)) / rng.uniform(*SWAY_BEATS)
    left = 1 + depth * np.sin(phase) + rng.normal(0, 0.02, n)
    left[:2] = 1
    left[(labels != _N) | (np.roll(labels, 1) != _N)] = 1
    record, beats = with_intervals(of, left, np.ones(n))
    return record, BeatList(beats.time_s, labels)


def is_regular(of: Annotated) -> bool:
    """Whether intervals change little from one to the next: then the atria may be moved as one likes."""
    rr = np.diff(of[1].time_s)
    return np.median(np.abs(np.diff(rr))) <= MOST_JITTER * np.median(rr)


def _early_rhythm(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(what is left of each interval, size of each P wave) of runs of ectopic beats between few normal ones."""
    run, rest = rng.uniform(2, 25), rng.uniform(1, 4)
    early, jitter, pause = rng.uniform(*EARLY), rng.uniform(0.01, 0.1), rng.uniform(*PAUSE)
    p_size = rng.choice(P_SIZES[:-1], n if rng.random() < 0.3 else 1)
    left = np.empty(0)
    while len(left) < n:
        fast = early * rng.normal(1, jitter, rng.geometric(1 / run))
        slow = np.ones(rng.geometric(1 / rest))
        slow[0] = max(pause * rng.normal(1, 0.1), 1.0)
        left = np.concatenate((left, np.minimum(fast, 0.95), slow))
    return left[:n], np.broadcast_to(p_size, n)


def with_intervals(of: Annotated, left: np.ndarray, p_size: np.ndarray) -> Annotated:
    """The recording with intervals before beats shortened or lengthened to ``left`` (K,) of them. Beats made early get
    P waves of ``p_size`` (K,) of their own, and are labelled S."""
    record, beats = of
    fs, labels = float(record.fs_hz), beats.labels().copy()
    at = np.rint(beats.time_s * fs).astype(np.int64)
    adu = record.adu.astype(np.float64)
    parts, done, moved = [], 0, np.zeros(len(at))
    for beat in np.flatnonzero(left != 1):
        stop, before = at[beat] - int(P_S[0] * fs), at[beat - 1]
        more = int((left[beat] - 1) * (at[beat] - before))
        start = min(max(stop + more, before + int(_T_S * fs)), stop)
        if more < 0 and start == stop or stop < before + 2:
            continue
        parts.append(adu[:, done:start])
        if more < 0:
            alter_p(adu, stop, at[beat] - int(P_S[1] * fs), p_size[beat])
            _join(adu, start, stop, int(_JOINT_S * fs))
            labels[beat] = _S
            more = start - stop
        else:
            parts.append(_rest(adu, before, stop, more))
        done = stop
        moved[beat:] += more
    longer = np.rint(np.concatenate([*parts, adu[:, done:]], 1)).astype(np.int16)
    return replace(record, adu=longer), BeatList((at + moved) / fs, labels)


def _rest(adu: np.ndarray, before: int, stop: int, length: int) -> np.ndarray:
    """``length`` samples of diastole, the last one before ``stop`` to and fro, that end where it does."""
    own = adu[:, min(before + int(_REST * (stop - before)), stop - 2) : stop]
    more = np.pad(own, ((0, 0), (0, length)), "symmetric")[:, own.shape[1] :]
    return more + (own[:, -1:] - more[:, -1:]) * np.linspace(0, 1, length)


def alter_p(adu: np.ndarray, start: int, stop: int, size: float) -> None:
    """Scale what stands above or below the line between two samples."""
    line = np.linspace(adu[:, start], adu[:, stop], stop - start, axis=1)
    adu[:, start:stop] = line + size * (adu[:, start:stop] - line)


def _join(adu: np.ndarray, start: int, stop: int, over: int) -> None:
    """Let what follows ``stop`` begin where ``start`` is."""
    step = adu[:, start] - adu[:, stop]
    adu[:, stop : stop + over] += step[:, None] * np.linspace(1, 0, over)
