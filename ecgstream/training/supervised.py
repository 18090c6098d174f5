"""Networks over whole recordings, taught labels: crops, augmentation, and crops averaged when they are asked."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from ..evaluation.label_scores import macro_auc
from ..labelled import N_LEADS, RATE_HZ, LabelledRecords
from ..models.trunk import Classifier
from .loop import Progressed, Schedule, train

LEAD_SETS = ((0,), (1,), (0, 1), (1, 2), (1, 6), (0, 1, 2), (0, 1, 6), (2, 3, 4, 5, 6, 7))
"""Of ``labelled.LEADS``: what bedside and ambulatory feeds commonly have."""
BATCH = 128


@dataclass(frozen=True, slots=True)
class Teaching:
    """What is done to recordings before a network sees them."""

    crop_s: float = 5.0
    batch: int = 64
    gain_spread: float = 0.15  # of the natural logarithm, over recordings; a third of it over leads
    noise_mv: float = 0.02  # of white noise, at most
    wander_mv: float = 0.1  # of a slow wave, at most
    fewer_leads: float = 0.3  # of the recordings, how many lose leads
    mix: float = 0.0  # of Beta(mix, mix), by which recordings are mixed with others (Zhang et al. 2018); 0: not
    test_crops: int = 5
    bf16: bool = False  # steps are computed in bf16 where that is enough (autocast); weights and predictions are not


def fit_labels(
    classifier: Classifier,
    records: LabelledRecords,
    targets: np.ndarray,
    schedule: Schedule,
    teaching: Teaching,
    *,
    validation: tuple[LabelledRecords, np.ndarray] | None = None,
    weight: np.ndarray | None = None,
    checkpoint: Path | None = None,
    title: str = "training",
) -> Progressed:
    """Teach ``targets`` float32 (N, L), NaN where not known, by binary cross-entropy; the classifier stays on its
    device.

    ``validation``: recordings of the training folds that are kept aside and their targets; their macro AUC decides
    when to stop (``schedule.check_every``). ``weight`` (N,): how often each recording is drawn, against the others.
    """
    device = next(classifier.parameters()).device
    share = None if weight is None else weight / weight.sum()

    def losses(step: int, rng: np.random.Generator) -> dict[str, torch.Tensor]:
        rows = rows_of_step(len(records), teaching.batch, step, schedule.seed, share)
        mv, present = crops_of(records, rows, teaching, rng)
        wanted = targets[rows]
        if teaching.mix:
            mv, present, wanted = _mixed(mv, present, wanted, teaching.mix, rng)
        with torch.autocast(device.type, torch.bfloat16, enabled=teaching.bf16):
            logits = classifier(torch.from_numpy(mv).to(device), torch.from_numpy(present).to(device)).float()
        return {"labels": label_loss(logits, torch.from_numpy(wanted).to(device))}

    def validate(_: nn.Module) -> float:
        kept, known = validation
        return macro_auc(known, predict_logits(classifier, kept, teaching))

    return train(
        classifier, losses, schedule, checkpoint=checkpoint, validate=validate if validation else None, title=title
    )


def label_loss(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Mean binary cross-entropy over the known targets."""
    known = ~torch.isnan(targets)
    return functional.binary_cross_entropy_with_logits(logits[known], targets[known])


def crops_of(
    records: LabelledRecords, rows: np.ndarray, teaching: Teaching, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """A random, augmented crop of each of ``rows``: mV float32 (B, 8, T) and present bool (B, 8)."""
    length = round(teaching.crop_s * RATE_HZ)
    start = (rng.random(len(rows)) * np.maximum(records.length[rows] - length + 1, 1)).astype(int)
    mv = np.stack([records.mv[row, :, at : at + length] for row, at in zip(rows, start, strict=True)]).astype(
        np.float32
    )
    present = records.present[rows].copy()
    gain = rng.standard_normal((len(rows), 1, 1)) + rng.standard_normal((len(rows), N_LEADS, 1)) / 3
    mv *= np.exp(teaching.gain_spread * gain).astype(np.float32)
    mv += _noise(mv.shape, teaching, rng)
    for row in np.flatnonzero(rng.random(len(rows)) < teaching.fewer_leads):
        present[row] &= _kept_leads(rng)
    present[~present.any(axis=1)] = records.present[rows][~present.any(axis=1)]
    return np.where(present[:, :, None], mv, np.float32(0)), present


def _noise(shape: tuple[int, ...], teaching: Teaching, rng: np.random.Generator) -> np.ndarray:
    """White noise and a slow wave in each lead, of random strength: float32 of ``shape``."""
    level = rng.random((*shape[:2], 2, 1)).astype(np.float32) ** 2
    white = rng.standard_normal(shape, np.float32) * (teaching.noise_mv * level[:, :, 0])
    hz = rng.uniform(0.1, 0.6, (shape[0], 1, 1))
    phase = 2 * np.pi * (hz * np.arange(shape[2]) / RATE_HZ + rng.random((*shape[:2], 1)))
    return white + (teaching.wander_mv * level[:, :, 1] * np.sin(phase)).astype(np.float32)


def _kept_leads(rng: np.random.Generator) -> np.ndarray:
    kept = np.zeros(N_LEADS, bool)
    if rng.random() < 0.5:
        kept[list(LEAD_SETS[rng.integers(len(LEAD_SETS))])] = True
    else:
        kept[rng.choice(N_LEADS, rng.integers(1, N_LEADS), replace=False)] = True
    return kept


def _mixed(
    mv: np.ndarray, present: np.ndarray, targets: np.ndarray, mix: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each recording with a little of another, and its targets likewise."""
    share = np.maximum(part := rng.beta(mix, mix, len(mv)), 1 - part).astype(np.float32)
    other = rng.permutation(len(mv))
    mv = share[:, None, None] * mv + (1 - share)[:, None, None] * mv[other]
    return mv * present[:, :, None], present, share[:, None] * targets + (1 - share)[:, None] * targets[other]


def rows_of_step(n: int, batch: int, step: int, seed: int, share: np.ndarray | None) -> np.ndarray:
    """The recordings of a step: all of them in turn, shuffled anew each time; by their shares where these are given."""
    if share is not None:
        return np.random.default_rng((seed, step, 1)).choice(n, min(batch, n), p=share)
    batch = min(batch, n)
    turn, place = divmod(step, n // batch)
    return np.random.default_rng((seed, turn, 2)).permutation(n)[place * batch : (place + 1) * batch]


def device_of(module: nn.Module) -> torch.device:
    """Where its weights lie; a rocket's are buffers, as nothing fits them."""
    return next(chain(module.parameters(), module.buffers())).device


def predict_logits(
    classifier: Classifier, records: LabelledRecords, teaching: Teaching = Teaching(), batch: int = BATCH
) -> np.ndarray:
    """Mean logits float32 (N, L) over ``test_crops`` crops spread over each recording."""
    device = device_of(classifier)
    length = round(teaching.crop_s * RATE_HZ)
    total = []
    with torch.inference_mode():
        for begin in range(0, len(records), batch):
            rows = slice(begin, begin + batch)
            mv = torch.from_numpy(records.mv[rows].astype(np.float32)).to(device)
            present = torch.from_numpy(records.present[rows]).to(device)
            room = np.maximum(records.length[rows] - length, 0)
            parts = []
            for place in np.linspace(0, 1, teaching.test_crops if room.any() else 1):
                at = torch.from_numpy((place * room).astype(np.int64)[:, None] + np.arange(length)).to(device)
                crop = torch.gather(mv, 2, at[:, None, :].expand(-1, N_LEADS, -1))
                parts.append(classifier(crop, present))
            total.append(torch.stack(parts).mean(0).float().cpu().numpy())
    return np.concatenate(total)
