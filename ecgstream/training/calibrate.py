"""Probabilities that mean what they say, and thresholds, from validation records alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import precision_recall_curve

from ..diagnosis import Model
from ..diagnosis.beats import CLASSES
from ..diagnosis.tokens import class_probs, tokens_of
from ..models.export import BEAT_DELAY_S
from ..waveform import GRID_HZ
from . import labels
from .examples import Example
from .objective import BEAT_WEIGHTS
from .predict import Prediction, predict

FEWEST_POSITIVE = 8
LETHAL_SCORES = ("rhythm.vt", "rhythm.vf")
WARM_HOPS = 50
LETHAL_SPECIFICITY = 0.99
SHIFTS = np.arange(-3.0, 3.01, 0.25)
Judged = tuple[np.ndarray, np.ndarray]
"""Scores (K,) and whether the finding was there (K,)."""


@dataclass(slots=True)
class Calibration:
    """What turns logits into probabilities, and probabilities into findings."""

    scale: torch.Tensor  # (N_SCORES,)
    shift: torch.Tensor  # (N_SCORES,)
    beat_shift: torch.Tensor  # (5,)
    thresholds: dict[str, float]


def none() -> Calibration:
    """Leaves logits as they are."""
    n = labels.N_SCORES
    return Calibration(torch.ones(n), torch.zeros(n), torch.zeros(len(CLASSES)), {})


def calibrate(model: Model, kept: dict[str, list[Example]]) -> Calibration:
    """Platt's scaling of each score on the validation examples ``kept``; ``model`` must be exported with ``none()``."""
    told = {name: predict(model, examples) for name, examples in kept.items()}
    of_lethal = {name: judged(labels.INDEX[name], kept, told, per_hop=True) for name in LETHAL_SCORES}
    lethal = np.any([truth for _, truth in of_lethal.values()], axis=0)
    result = none()
    for index, name in enumerate(labels.SCORES):
        scores, truth = of_lethal.get(name) or judged(index, kept, told)
        if min(truth.sum(), (~truth).sum()) < FEWEST_POSITIVE:
            continue
        logit = np.log(scores / (1 - scores))
        fitted = LogisticRegression().fit(logit[:, None], truth)
        result.scale[index], result.shift[index] = float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
        if name in labels.RHYTHMS:
            probs = expit(fitted.coef_[0, 0] * logit + fitted.intercept_[0])
            lowest = _lowest_threshold(probs[~lethal]) if name in LETHAL_SCORES else _threshold_by_f1(probs, truth)
            result.thresholds[name] = round(lowest, 4)
    result.beat_shift[:] = torch.tensor(_beat_shift(kept["mitdb"], told["mitdb"]))
    return result


def judged(
    index: int, kept: dict[str, list[Example]], told: dict[str, list[Prediction]], per_hop: bool = False
) -> Judged:
    """A score and its truth: of every supervised hop of annotated records, or of each labelled record's last hop."""
    scores, truth = [np.empty(0)], [np.empty(0, bool)]
    for name, examples in kept.items():
        for example, prediction in zip(examples, told[name], strict=True):
            if per_hop != (example.targets.ndim == 2):
                continue
            hops, target = prediction.scores[-1:, index], example.targets[None, ..., index]
            if per_hop:
                hops, target = prediction.scores[WARM_HOPS:, index], example.targets[WARM_HOPS:, index]
            known = ~np.isnan(target)
            scores.append(hops[known])
            truth.append(target[known] > 0.5)
    joined = np.concatenate(scores).astype(float).clip(1e-6, 1 - 1e-6)
    return joined, np.concatenate(truth)


def _threshold_by_f1(probs: np.ndarray, truth: np.ndarray) -> float:
    precision, recall, thresholds = precision_recall_curve(truth, probs)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-9)
    return float(thresholds[f1[:-1].argmax()])


def _lowest_threshold(harmless: np.ndarray) -> float:
    """The lowest threshold at which hops without any lethal rhythm (their probabilities) are still left alone.

    A tachycardia told in fibrillation is no false alarm: the chain of alarms puts the graver one above it.
    """
    return float(np.quantile(harmless, LETHAL_SPECIFICITY, method="higher"))


def _beat_shift(examples: Sequence[Example], told: Sequence[Prediction]) -> list[float]:
    """Take back the class weights of training, then shift S and V to where they serve the records best.

    Every record counts alike: one with much atrial fibrillation would else decide for all.
    """
    records = [(np.log(probs.clip(1e-9)) - np.log(BEAT_WEIGHTS), truth) for probs, truth in _beats(examples, told)]
    best, chosen = -1.0, (0.0, 0.0)
    for s in SHIFTS:
        for v in SHIFTS:
            found = [(logits + np.array([0, s, v, 0, 0])).argmax(1) for logits, _ in records]
            parts = [(f, truth) for f, (_, truth) in zip(found, records, strict=True)]
            score = sum(_served(f == which, truth == which) for f, truth in parts for which in (1, 2))
            if score > best:
                best, chosen = score, (s, v)
    return (np.array([0, *chosen, 0, 0]) - np.log(BEAT_WEIGHTS)).tolist()


def _served(found: np.ndarray, truth: np.ndarray) -> float:
    """F1 in a record that has such beats; the share of beats left alone in one that has hardly any."""
    return _f1(found, truth) if truth.sum() >= FEWEST_POSITIVE else 1 - (found & ~truth).mean()


def _beats(examples: Sequence[Example], told: Sequence[Prediction]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Per record: class probabilities (K, 5) and classes (K,) of its annotated beats but those of the first seconds."""
    records = []
    for example, prediction in zip(examples, told, strict=True):
        token = tokens_of(example.beat_s * GRID_HZ, example.delay_s * GRID_HZ, BEAT_DELAY_S)
        inside = (token >= WARM_HOPS) & (token + 1 < len(prediction.beats))
        records.append((class_probs(prediction.beats[:, :5], token[inside]), example.beat_class[inside]))
    return records


def _f1(found: np.ndarray, truth: np.ndarray) -> float:
    return 2 * (found & truth).sum() / max(found.sum() + truth.sum(), 1)
