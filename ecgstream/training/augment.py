"""What beds do to a signal and data sets do not: other leads, other gains, noise, dropouts, other heart rates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..models.encoder import INPUT_HZ
from ..waveform import N_LEADS, STANDARD_LEADS

N_STANDARD = len(STANDARD_LEADS)
LEAD_SETS = ((1,), (0,), (1, 6), (1, 10), (0, 1, 2), (1, 6, 10), (0, 1, 2, 3, 4, 5, 6))
"""Lead slots that bedside and ambulatory feeds commonly have."""
RUN_LENGTHS = (1, 1, 1, 1, 2, 3, 6)
"""How many beats in a row are made premature, one length as likely as the other."""
HEAVY_NOISE = 1.0
"""Noise louder than this, against the signal, makes the record's own noise label unknown."""


@dataclass(slots=True)
class Strip:
    """A stretch of a recording, to be altered in place. C leads, T samples at INPUT_HZ."""

    slots: np.ndarray  # int64 (C,)
    mv: np.ndarray  # float32 (C, T)
    valid: np.ndarray  # bool (C, T)


def choose_leads(strip: Strip, rng: np.random.Generator, keep_all: float) -> Strip:
    """All leads with probability ``keep_all``; else a common lead set or a random handful."""
    if len(strip.slots) < 3 or rng.random() < keep_all:
        return strip
    if rng.random() < 0.6:
        wanted = np.isin(strip.slots, LEAD_SETS[rng.integers(len(LEAD_SETS))])
    else:
        wanted = np.zeros(len(strip.slots), bool)
        wanted[rng.choice(len(strip.slots), rng.integers(1, 4), replace=False)] = True
    return Strip(strip.slots[wanted], strip.mv[wanted], strip.valid[wanted]) if wanted.any() else strip


def rename_leads(strip: Strip, rng: np.random.Generator, probability: float) -> None:
    """Move up to four leads to generic slots, as a feed does that does not name its leads; or to any other slots."""
    if len(strip.slots) > N_LEADS - N_STANDARD or rng.random() >= probability:
        return
    pool = np.arange(N_STANDARD, N_LEADS) if rng.random() < 0.6 else np.arange(N_LEADS)
    strip.slots = rng.choice(pool, len(strip.slots), replace=False)


def scale(strip: Strip, rng: np.random.Generator, spread: float) -> None:
    """One gain for all leads, and a small one for each (``spread`` is of the natural logarithm)."""
    gain = np.exp(spread * rng.standard_normal() + 0.3 * spread * rng.standard_normal((len(strip.slots), 1)))
    strip.mv *= gain.astype(np.float32)


def add_noise(strip: Strip, rng: np.random.Generator, sources: list[np.ndarray], level: float) -> bool:
    """Add recorded baseline wander or muscle noise (C', T') and mains residue; whether it was heavy."""
    _, length = strip.mv.shape
    amplitude = strip.mv.std() * level
    for lead in range(len(strip.slots)):
        source = sources[rng.integers(len(sources))]
        start = rng.integers(source.shape[1] - length)
        noise = source[rng.integers(len(source)), start : start + length].astype(np.float32)
        strip.mv[lead] += noise * (amplitude * rng.uniform(0.3, 1) / (noise.std() + 1e-6))
    if rng.random() < 0.3:
        phase = 2 * np.pi * (rng.uniform(49, 61) * np.arange(length) / INPUT_HZ + rng.random())
        strip.mv += (0.3 * amplitude * np.sin(phase)).astype(np.float32)
    strip.mv[~strip.valid] = 0
    return level > HEAVY_NOISE


def drop_out(strip: Strip, rng: np.random.Generator) -> None:
    """Lose one lead, or all of them, for a while: validity goes, and the signal with it."""
    leads, length = strip.mv.shape
    start = rng.integers(length)
    stop = start + rng.integers(INPUT_HZ // 5, 3 * INPUT_HZ)
    which = slice(None) if rng.random() < 0.3 else rng.integers(leads)
    strip.valid[which, start:stop] = False
    strip.mv[which, start:stop] = 0


def stretch(strip: Strip, beat_at: np.ndarray, factor: float) -> np.ndarray:
    """Resample in time to ``factor`` times as long (kept to the same number of samples); where the beats then are."""
    length = strip.mv.shape[1]
    at = np.arange(length) / factor
    inside = at <= length - 1
    strip.mv = np.array([np.interp(at, np.arange(length), lead) for lead in strip.mv], np.float32) * inside
    strip.valid = strip.valid[:, np.minimum(at, length - 1).astype(int)] & inside
    return beat_at * factor


def make_premature(strip: Strip, beat_at: np.ndarray, classes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Turn normal beats of a regular stretch into supraventricular premature ones by cutting diastole before them.

    ``beat_at`` in samples as they show in the strip. Returns their new places; ``classes`` is altered in place.
    """
    rr = np.diff(beat_at)
    regular = (np.abs(rr[1:] - rr[:-1]) < 0.1 * rr[:-1]) & (rr[1:] > 0.55 * INPUT_HZ)
    plain = (classes[:-2] == 0) & (classes[1:-1] == 0) & (classes[2:] == 0)
    candidates = np.flatnonzero(regular & plain) + 2
    if len(candidates) == 0:
        return beat_at
    first = rng.choice(candidates)
    for beat in range(first, min(first + rng.choice(RUN_LENGTHS), len(beat_at))):
        moved = _advance_beat(strip, beat_at, beat, rng) if classes[beat] == 0 else None
        if moved is None:
            break
        beat_at, classes[beat] = moved, 1
    return beat_at


def _advance_beat(strip: Strip, beat_at: np.ndarray, beat: int, rng: np.random.Generator) -> np.ndarray | None:
    """Cut diastole before a beat; where the beats then are, or None when there is too little of it."""
    before = beat_at[beat] - beat_at[beat - 1]
    cut = int(rng.uniform(0.15, 0.4) * before)
    stop = int(beat_at[beat] - rng.uniform(0.08, 0.2) * INPUT_HZ)
    start = stop - cut
    if start < beat_at[beat - 1] + 0.3 * before:
        return None
    _remove(strip, start, stop)
    return np.where(beat_at >= stop, beat_at - cut, beat_at)


def _remove(strip: Strip, start: int, stop: int) -> None:
    """Take [start, stop) out and smooth the seam; the end is filled with invalid samples."""
    cut, length = stop - start, strip.mv.shape[1]
    step = strip.mv[:, stop] - strip.mv[:, start - 1]
    ramp = np.linspace(1, 0, INPUT_HZ // 8)[: max(length - stop, 0)]
    strip.mv[:, stop : stop + len(ramp)] -= step[:, None] * ramp
    strip.mv[:, start : length - cut] = strip.mv[:, stop:].copy()
    strip.valid[:, start : length - cut] = strip.valid[:, stop:].copy()
    strip.mv[:, length - cut :] = 0
    strip.valid[:, length - cut :] = False
