"""Batches of strips with their targets: short ones of diagnostic ECGs, long ones of monitoring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..models.encoder import HOP_INPUTS, HOP_TOKENS, INPUT_HZ, TOKEN_HZ, TOKEN_INPUTS
from ..models.export import BEAT_DELAY_S
from ..waveform import N_LEADS
from . import augment, labels
from .augment import Strip
from .examples import Example

DIAGNOSTIC_S, MONITORING_S = 10, 20
NO_BEAT, NOT_SUPERVISED = 5, -1
# Seconds from the strip's start until a target is supervised: what can be known after so little?
WARM_S = np.full(labels.N_SCORES, 6.0)
WARM_S[[labels.AF, labels.VT, labels.VF, labels.NOISE]] = 4.0, 2.0, 2.0, 1.0


@dataclass(slots=True)
class Batch:
    """B strips of H hops."""

    samples: np.ndarray  # float32 (B, 32, 25 H)
    targets: np.ndarray  # float32 (B, H, N_SCORES), NaN: not supervised
    beats: np.ndarray  # int64 (B, 5 H): N S V F Q none, or -1
    rises: np.ndarray  # int64 (B,), score that must rise in the last 12 s, or -1
    auxiliary: np.ndarray  # float32 (B, 2)


@dataclass(slots=True)
class Sources:
    """Training examples, by data set, and the noise added to them."""

    examples: dict[str, list[Example]]
    noise: list[np.ndarray]


def diagnostic_batch(sources: Sources, size: int, rng: np.random.Generator) -> Batch:
    """PTB-XL and CinC 2011, at random."""
    chosen = ["ptbxl" if rng.random() < 0.87 else "cinc2011" for _ in range(size)]
    return _batch([_diagnostic(_pick(sources.examples[name], rng), sources, rng) for name in chosen])


def monitoring_batch(sources: Sources, size: int, rng: np.random.Generator) -> Batch:
    """Two-lead monitoring with beats or rhythm, and one-lead ambulatory records."""
    names = ("mitdb", "vfdb", "cinc2017", "cinc2015")
    chosen = rng.choice(names, size, p=(0.5, 0.22, 0.2, 0.08))
    return _batch([_monitoring(_pick(sources.examples[name], rng), sources, rng) for name in chosen])


def beat_batch(sources: Sources, size: int, rng: np.random.Generator) -> Batch:
    """Strips whose beats are known: annotated records, and plain ones."""
    plain = [each for each in sources.examples["cinc2017"] if each.beats_known]
    pools = [sources.examples["mitdb"], *([each for each in plain if each.group == label] for label in ("N", "A"))]
    chosen = [pools[which] for which in rng.choice(3, size, p=(0.5, 0.3, 0.2))]
    return _batch([_monitoring(pool[rng.integers(len(pool))], sources, rng) for pool in chosen])


def _pick(examples: list[Example], rng: np.random.Generator) -> Example:
    """At random; among CinC 2017's labels, AF and noise as often as the rest."""
    if examples[0].dataset == "cinc2017":
        label = rng.choice(("N", "A", "O", "~"), p=(0.3, 0.35, 0.25, 0.1))
        examples = [each for each in examples if each.group == label]
    return examples[rng.integers(len(examples))]


def cut(example: Example, start: int, seconds: int) -> Strip:
    """``seconds`` of an example from sample ``start``; what lies beyond its end is invalid."""
    length = seconds * INPUT_HZ
    mv = example.mv[:, start : start + length].astype(np.float32)
    valid = example.valid[:, start : start + length]
    beyond = ((0, 0), (0, length - mv.shape[1]))
    return Strip(example.slots, np.pad(mv, beyond), np.pad(valid, beyond))


def _diagnostic(example: Example, sources: Sources, rng: np.random.Generator) -> tuple:
    start = int(rng.integers(0, 2 * INPUT_HZ)) if rng.random() < 0.5 else 0
    strip = augment.choose_leads(cut(example, start, DIAGNOSTIC_S), rng, keep_all=0.65)
    heavy = _disturb(strip, sources, rng, gain_spread=0.08)
    augment.rename_leads(strip, rng, 0.2)
    targets = np.tile(example.targets, (strip.mv.shape[1] // HOP_INPUTS, 1))
    ended = (example.mv.shape[1] - start) // HOP_INPUTS
    targets[ended:] = np.nan
    return _finish(strip, targets, heavy, example)


def _monitoring(example: Example, sources: Sources, rng: np.random.Generator) -> tuple:
    start = _start(example, rng)
    strip = cut(example, start, MONITORING_S)
    n_hops = strip.mv.shape[1] // HOP_INPUTS
    if example.targets.ndim == 2:
        targets = np.full((n_hops, labels.N_SCORES), np.nan, np.float32)
        held = example.targets[start // HOP_INPUTS :][:n_hops]
        targets[: len(held)] = held
    else:
        targets = np.tile(example.targets, (n_hops, 1))
        targets[(example.mv.shape[1] - start) // HOP_INPUTS :] = np.nan
    beats = np.full(n_hops * HOP_TOKENS, NOT_SUPERVISED)
    if example.beats_known:
        beats = _beats(example, start, strip, targets, rng)
    heavy = _disturb(strip, sources, rng, gain_spread=0.35)
    augment.rename_leads(strip, rng, 0.4)
    return _finish(strip, targets, heavy, example, beats)


def _start(example: Example, rng: np.random.Generator) -> int:
    """First sample of a strip, on a hop: before an ectopic beat or a dangerous rhythm half of the time."""
    length = MONITORING_S * INPUT_HZ
    last = max(example.mv.shape[1] - length, 0)
    if example.dataset == "cinc2015":
        return last
    at = rng.integers(last + 1)
    if rng.random() < 0.5 and (aimed := _aim(example, rng)) is not None:
        at = int(np.clip(aimed - rng.integers(2 * INPUT_HZ, length), 0, last))
    return int(at) // HOP_INPUTS * HOP_INPUTS


def _aim(example: Example, rng: np.random.Generator) -> float | None:
    """A sample worth showing: an ectopic beat, or an onset of AF, VT or VF."""
    if example.beats_known:
        ectopic = np.flatnonzero((example.beat_class > 0) & (example.beat_class < 4))
        return (example.beat_s[rng.choice(ectopic)] + example.delay_s) * INPUT_HZ if len(ectopic) else None
    if example.targets.ndim == 2:
        lethal = np.nan_to_num(example.targets[:, [labels.VT, labels.VF]])
        changes = np.flatnonzero(np.diff(lethal, axis=0).any(1))
        return float(rng.choice(changes) * HOP_INPUTS) if len(changes) else None
    return None


def _beats(example: Example, start: int, strip: Strip, targets: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Beat targets per token, after the strip's time was stretched and normal beats made premature."""
    shown_at = (example.beat_s + example.delay_s) * INPUT_HZ - start
    inside = (shown_at >= 0) & (shown_at < strip.mv.shape[1])
    at, classes = shown_at[inside], example.beat_class[inside].copy()
    in_af = np.nan_to_num(targets[:, labels.AF], nan=1).any()
    if not in_af and rng.random() < 0.4:
        for _ in range(rng.integers(1, 4)):
            at = augment.make_premature(strip, at, classes, rng)
    elif rng.random() < 0.5:
        at = augment.stretch(strip, at, float(rng.uniform(0.85, 1.2)))
        targets[:] = np.where(np.fmin.reduce(targets) == np.fmax.reduce(targets), targets, np.nan)
    return beat_targets(at, classes, strip)


def beat_targets(at: np.ndarray, classes: np.ndarray, strip: Strip) -> np.ndarray:
    """Target of each token (T / 5,): the class of the beat it tells of, and of its neighbours on either side."""
    n_tokens = strip.mv.shape[1] // TOKEN_INPUTS
    targets = np.full(n_tokens, NO_BEAT)
    token = np.floor(at / TOKEN_INPUTS + BEAT_DELAY_S * TOKEN_HZ).astype(int)
    for shift in (-1, 1, 0):
        near = (token + shift >= 0) & (token + shift < n_tokens)
        targets[token[near] + shift] = classes[near]
    seen = strip.valid.any(0).reshape(n_tokens, TOKEN_INPUTS).all(1)
    lag = int(BEAT_DELAY_S * TOKEN_HZ)
    targets[lag:][~seen[:-lag]] = NOT_SUPERVISED
    targets[: lag + TOKEN_HZ] = NOT_SUPERVISED
    return targets


def _disturb(strip: Strip, sources: Sources, rng: np.random.Generator, gain_spread: float) -> bool:
    """Gain, noise and dropouts; whether the noise is heavy."""
    augment.scale(strip, rng, gain_spread)
    heavy = rng.random() < 0.35 and augment.add_noise(strip, rng, sources.noise, float(rng.exponential(0.35)))
    if rng.random() < 0.15:
        augment.drop_out(strip, rng)
    return heavy


def _finish(strip: Strip, targets: np.ndarray, heavy: bool, example: Example, beats: np.ndarray | None = None) -> tuple:
    samples = np.zeros((2 * N_LEADS, strip.mv.shape[1]), np.float32)
    samples[strip.slots] = strip.mv
    samples[N_LEADS + strip.slots] = strip.valid
    hops = np.arange(len(targets))[:, None]
    targets = np.where((hops + 1) * HOP_INPUTS / INPUT_HZ > WARM_S, targets, np.nan)
    if heavy:
        targets[:, labels.NOISE] = np.nan
    if beats is None:
        beats = np.full(len(targets) * HOP_TOKENS, NOT_SUPERVISED)
    return samples, targets.astype(np.float32), beats, example.rises, example.auxiliary


def _batch(strips: Sequence[tuple]) -> Batch:
    samples, targets, beats, rises, auxiliary = zip(*strips, strict=True)
    return Batch(np.stack(samples), np.stack(targets), np.stack(beats), np.array(rises), np.stack(auxiliary))
