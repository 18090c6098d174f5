"""What other patients and recorders do to a recording: fewer leads, noise, other heart rates, more ectopic beats.

Each variant is a whole recording with its own reference beats, and goes through the daemon's own rooms like any other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from ...evaluation.ec57 import CLASSES, BeatList
from ...evaluation.records import Record, read_record
from ...waveform import CODE_LIMIT
from .early import made_early, mostly_early, paused, raced, swaying
from .unordered import unordered

SNR_DB = (6.0, 20.0)
MOVED, UNORDERED = "moved", "atria in no order"
MOVED_DB = (0.0, 18.0)
NOISE_HZ = 360
STRETCH = (0.8, 1.25)
PIECE_S = (10.0, 60.0)
_LEAST_ECTOPIC = 12
_AROUND = 2
"""Beats kept before and after an ectopic one where a recording is made richer in them."""
_CUT = 0.6
"""Where in the interval between two beats a recording is cut: behind the T wave, before the P wave."""

Annotated = tuple[Record, BeatList]
Noise = list[np.ndarray]


def read_noise(data: Path) -> Noise:
    """Baseline wander, muscle artefact and electrode motion of the Noise Stress Test (Moody 1984) in ``data/nstdb``,
    float32 (2, N) at 360 Hz, rms 1. Electrode motion is what 118e_6 has that 118 of ``data/mitdb`` has not."""
    folder = data / "nstdb"
    motion = _read_mv(folder / "118e_6") - _read_mv(data / "mitdb" / "118")
    minute = np.arange(motion.shape[1]) // (60 * NOISE_HZ)
    motion = motion[:, (minute >= 5) & ((minute - 5) // 2 % 2 == 0)]  # two minutes with, two without
    of_kind = [_read_mv(folder / "bw"), _read_mv(folder / "ma"), motion]
    return [_of_size_1(mv) for mv in of_kind]


def _read_mv(path: Path) -> np.ndarray:
    record = read_record(path)
    return (record.adu - record.baseline_adu[:, None]) * record.mv_per_adu[:, None]


def _of_size_1(mv: np.ndarray) -> np.ndarray:
    mv = mv - mv.mean(1, keepdims=True)
    return (mv / mv.std(1, keepdims=True)).astype(np.float32)


def one_lead(of: Annotated, lead: int) -> Annotated:
    """The recording with one of its leads only."""
    record, beats = of
    lead %= len(record.leads)
    return replace(
        record, leads=(record.leads[lead],), slots=record.slots[[lead]], adu=record.adu[[lead]],
        mv_per_adu=record.mv_per_adu[[lead]], baseline_adu=record.baseline_adu[[lead]],
    ), beats  # fmt: skip


def stretched(of: Annotated, rng: np.random.Generator) -> Annotated:
    """The recording faster or slower: its samples under another sampling frequency."""
    record, beats = of
    fs_hz = Fraction(int(record.fs_hz * rng.uniform(*STRETCH)))
    return replace(record, fs_hz=fs_hz), BeatList(beats.time_s * float(record.fs_hz / fs_hz), beats.classes)


def noisy(of: Annotated, rng: np.random.Generator, noise: Noise) -> Annotated:
    """The recording with wander and muscle noise added, the level drawn anew every minute."""
    level = _levels(of[0], rng, SNR_DB, every_s=60)
    share, start = rng.uniform(0.2, 0.8), rng.integers(0, noise[0].shape[1])
    return with_noise(of, np.roll(share * noise[0] + (1 - share) * noise[1], -start, 1), level)


def moved(of: Annotated, rng: np.random.Generator, noise: Noise) -> Annotated:
    """The recording with electrode motion added, the level drawn anew every half minute."""
    level = _levels(of[0], rng, MOVED_DB, every_s=30)
    return with_noise(of, np.roll(noise[2], -rng.integers(0, noise[2].shape[1]), 1), level)


def _levels(record: Record, rng: np.random.Generator, snr_db: tuple[float, float], every_s: int) -> np.ndarray:
    """Of noise against signal, (N,)."""
    length, same = record.adu.shape[1], int(every_s * record.fs_hz)
    return np.repeat(10 ** (-rng.uniform(*snr_db, length // same + 1) / 20), same)[:length]


def with_noise(of: Annotated, added: np.ndarray, level: np.ndarray) -> Annotated:
    """The recording with noise (2, M) at ``level`` (N,), both leads by turns; measured as in the Noise Stress Test."""
    record, beats = of
    span = np.percentile(record.adu, 99.5, 1) - np.percentile(record.adu, 0.5, 1)
    added = added[:, np.arange(len(level)) % added.shape[1]][np.arange(len(span)) % 2]
    adu = record.adu + added * level * span[:, None] / np.sqrt(8)
    return replace(record, adu=np.clip(np.rint(adu), int(CODE_LIMIT), 32767).astype(np.int16)), beats


def richer(of: Annotated, classes: str) -> Annotated | None:
    """The surroundings of ectopic beats of ``classes`` joined together; None when they are few."""
    record, beats = of
    wanted = np.isin(beats.labels(), [CLASSES.index(name) for name in classes])
    if wanted.sum() < _LEAST_ECTOPIC:
        return None
    near = np.convolve(wanted, np.ones(2 * _AROUND + 1), "same") > 0
    near[[0, -1]] = False
    first, last = (np.flatnonzero(np.diff(near.astype(int)) == step) for step in (1, -1))
    pieces, times, labels, length = [], [], [], 0
    level = np.zeros(len(record.leads))
    for a, b in zip(first, last, strict=True):
        start, stop = _cut(record, beats, a), _cut(record, beats, b)
        piece = record.adu[:, start:stop]
        pieces.append(piece - piece[:, :1] + level[:, None])
        level = pieces[-1][:, -1]
        times.append(beats.time_s[a + 1 : b + 1] + float((length - start) / record.fs_hz))
        labels.append(beats.labels()[a + 1 : b + 1])
        length += stop - start
    adu = np.concatenate(pieces, 1)
    adu = np.clip(adu - np.median(adu, 1, keepdims=True), int(CODE_LIMIT), 32767).astype(np.int16)
    joined = replace(record, adu=adu, baseline_adu=np.zeros_like(record.baseline_adu))
    return joined, BeatList(np.concatenate(times), np.concatenate(labels))


def _cut(record: Record, beats: BeatList, before: int) -> int:
    """The sample between beat ``before`` and the next at which to cut."""
    a, b = beats.time_s[before : before + 2]
    return int((a + _CUT * (b - a)) * float(record.fs_hz))


def pieces(of: Annotated, rng: np.random.Generator) -> list[Annotated]:
    """The recording in pieces of 10 to 60 s, each of which is all that is known of its patient."""
    record, beats = of
    stops = np.cumsum(rng.uniform(*PIECE_S, int(record.duration_s / PIECE_S[0])))
    edges = [0.0, *stops[stops < record.duration_s - PIECE_S[0]], record.duration_s]
    return [_piece(of, start_s, stop_s) for start_s, stop_s in zip(edges, edges[1:], strict=False)]


def _piece(of: Annotated, start_s: float, stop_s: float) -> Annotated:
    record, beats = of
    start, stop = (int(edge_s * record.fs_hz) for edge_s in (start_s, stop_s))
    inside = (beats.time_s >= start_s) & (beats.time_s < stop_s)
    kept = BeatList(beats.time_s[inside] - float(start / record.fs_hz), beats.labels()[inside])
    return replace(record, adu=record.adu[:, start:stop]), kept


def variants(of: Annotated, noise: Noise, seed: int) -> dict[str, list[Annotated]]:
    """The recording and its variants by name; the same seed gives the same ones."""
    rng, rng_later = np.random.default_rng(seed), np.random.default_rng([seed, 1])
    made: dict[str, Callable[[], Annotated | None]] = {
        "whole": lambda: of,
        "first lead": lambda: one_lead(of, 0),
        "second lead": lambda: one_lead(of, 1) if len(of[0].leads) > 1 else None,
        "noisy": lambda: noisy(of, rng, noise),
        "stretched": lambda: stretched(of, rng),
        "one lead, noisy, stretched": lambda: stretched(noisy(one_lead(of, int(rng.integers(2))), rng, noise), rng),
        "rich in S": lambda: richer(of, "S"),
        "made early": lambda: made_early(of, rng),
        "made mostly early": lambda: mostly_early(of, rng),
        "made to pause": lambda: paused(of, rng),
        "rich in V": lambda: richer(of, "V"),
        MOVED: lambda: moved(of, rng_later, noise),
        "swaying": lambda: swaying(of, rng_later),
        "made to race": lambda: raced(of, rng_later),
        UNORDERED: lambda: unordered(of, np.random.default_rng([seed, 2])),
    }
    found = {name: make() for name, make in made.items()}
    return {name: [variant] for name, variant in found.items() if variant} | {"pieces": pieces(of, rng)}
