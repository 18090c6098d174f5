"""A new diagnosis from a few dozen recordings: a head on a trunk that knows many others (Hu, Barrios & Tison 2025).

Recordings are parted by patient: three fifths to fit on, one to stop, calibrate and choose the threshold by, one that
nothing is chosen on, from which the card's figures come.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from scipy.special import expit
from sklearn.model_selection import StratifiedGroupKFold

from ..errors import RecordError
from ..evaluation.label_scores import interval, label_aucs, label_f1, patient_draws
from ..labelled import RATE_HZ, SAMPLES, LabelledRecords
from ..models.card import Card, write_card
from ..models.folder import Network, NetworkManifest, save_network
from ..models.trunk import Classifier, Trunk
from .loop import Schedule
from .probe import crop_embeddings, put_head
from .supervised import Teaching, fit_labels, predict_logits
from .thresholds import best_threshold, platt

PARTS = 5
FEWEST = 10
"""Positive recordings, of as many patients, below which there is nothing to fit, stop and test by."""
STEPS, CHECK_EVERY, PATIENCE = 120, 20, 3
PEAK_RATE, DROPOUT = 3e-3, 0.3
"""Of fine-tuning."""
TEACHING = Teaching(crop_s=SAMPLES / RATE_HZ, batch=16)
"""All of a recording at once, whatever the trunk was taught by: a crop may miss the one beat that a label is about."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Rows by what they are for, patients never in two; bool (N,) each."""

    fit: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def part_by_patient(records: LabelledRecords, label: np.ndarray, seed: int) -> Parts:
    """Part the recordings, positives evenly. Raises RecordError when either kind comes from too few patients."""
    for kind, name in ((1, "with"), (0, "without")):
        found = len(set(records.patient[label == kind]))
        if found < FEWEST:
            raise RecordError(
                f"A head needs recordings of at least {FEWEST} patients with the diagnosis and as many without it; "
                f"there are {found} {name} it. Label more."
            )
    folds = StratifiedGroupKFold(PARTS, shuffle=True, random_state=seed)
    part = np.zeros(len(label), int)
    for number, (_, rows) in enumerate(folds.split(label, label, records.patient)):
        part[rows] = number
    return Parts(part >= 2, part == 0, part == 1)


def fit_head(
    trunk: Trunk, records: LabelledRecords, label: np.ndarray, parts: Parts, teaching: Teaching, seed: int, frozen: bool
) -> Classifier:
    """A classifier of one label on the trunk as it is, or on a copy of it that is fine-tuned from the same head.

    Fine-tuned weights are halfway between those it began with and those that training ended with: what the trunk knew
    and what the recordings taught, in one network (Wortsman et al., "Robust fine-tuning of zero-shot models", 2022).
    """
    known, wanted = records.take(parts.fit), label[parts.fit, None].astype(np.float32)
    classifier = Classifier(trunk, 1) if frozen else _HeldNorms(copy.deepcopy(trunk), 1, DROPOUT)
    put_head(classifier, crop_embeddings(classifier.trunk, known, teaching), wanted, "balanced")
    if frozen:
        return classifier.eval()
    began = {name: value.clone() for name, value in classifier.state_dict().items()}
    fit_labels(
        classifier, known, wanted,
        Schedule(STEPS, seed, peak_rate=PEAK_RATE, average=0.95, check_every=CHECK_EVERY, patience=PATIENCE), teaching,
        validation=(records.take(parts.validation), label[parts.validation, None].astype(np.float32)),
        weight=balanced(label[parts.fit]), title="fine-tuning",
    )  # fmt: skip
    ended = classifier.state_dict()
    halfway = {name: value.lerp(ended[name], 0.5) if value.is_floating_point() else value
               for name, value in began.items()}  # fmt: skip
    classifier.load_state_dict(halfway)
    return classifier.eval()


class _HeldNorms(Classifier):
    """Its batch norms keep the statistics of what the trunk was taught by: a few dozen recordings have none."""

    def train(self, mode: bool = True) -> _HeldNorms:
        """As of any module, but for the norms."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, torch.nn.BatchNorm1d):
                module.eval()
        return self


def balanced(label: np.ndarray) -> np.ndarray:
    """Weights (N,) by which both kinds are drawn equally often."""
    return np.where(label == 1, 0.5 / max(label.sum(), 1), 0.5 / max((1 - label).sum(), 1))


def finetune(
    name: str,
    records: LabelledRecords,
    label: np.ndarray,
    network: Network,
    out: Path,
    *,
    frozen: bool = True,
    seed: int = 1,
) -> NetworkManifest:
    """Fit, calibrate and test a head ``name`` for ``label`` int (N,) of 0 and 1; write its directory ``out``.

    Raises RecordError when there are too few recordings of either kind.
    """
    parts = part_by_patient(records, label, seed)
    classifier = fit_head(network.trunk, records, label, parts, TEACHING, seed, frozen)
    logit = predict_logits(classifier, records, TEACHING)[:, 0]
    scale, shift = platt(logit[parts.validation], label[parts.validation])
    probability = expit(scale * logit + shift)
    threshold = best_threshold(probability[parts.validation], label[parts.validation])
    manifest = save_network(
        classifier, out, labels=(name,), scale=(scale,), shift=(shift,), name=name,
        network=network.manifest.network, settings=network.manifest.settings, thresholds={name: threshold},
        crop_s=TEACHING.crop_s, seen={records.data_set: sorted(records.name[~parts.test])},
        code_version=version("ecgstream"), on_trunk=network.manifest.sha256 if frozen else "",
    )  # fmt: skip
    metrics = _metrics(label, probability, threshold, records.patient, parts)
    write_card(out, name, manifest.sha256, _card(name, network, frozen, label, parts, metrics))
    return manifest


def _metrics(label: np.ndarray, probability: np.ndarray, threshold: float, patient: np.ndarray, parts: Parts) -> dict:
    truth, said = label[parts.test][:, None].astype(float), probability[parts.test][:, None]
    found, draws = said >= threshold, patient_draws(patient[parts.test])
    auc, auc_ci95 = interval(lambda weight: label_aucs(truth, said, weight), draws).rounded()
    f1, f1_ci95 = interval(lambda weight: label_f1(truth, found, weight), draws).rounded()
    positive = truth[:, 0] > 0.5
    return {
        "test recordings": int(parts.test.sum()),
        "test positives": int(positive.sum()),
        "auc": auc,
        "auc_ci95": auc_ci95,
        "f1": f1,
        "f1_ci95": f1_ci95,
        "threshold": round(threshold, 4),
        "sensitivity": round(float(found[positive].mean()), 4),
        "specificity": round(float((~found[~positive]).mean()), 4),
    }


def _card(name: str, network: Network, frozen: bool, label: np.ndarray, parts: Parts, metrics: dict) -> Card:
    counts = ", ".join(
        f"{int(label[rows].sum())} of {int(rows.sum())} {what}"
        for what, rows in (("to fit on", parts.fit), ("to calibrate on", parts.validation), ("to test on", parts.test))
    )
    return Card(
        what=f"A head for {name} on the {'frozen' if frozen else 'fine-tuned'} trunk of {network.version}.",
        data="Recordings and labels of whoever made it; their licence is his to state. The trunk's stand on its card.",
        split=f"Parted by patient; positive recordings: {counts}.",
        metrics=metrics,
        limits=(
            "Taught by few recordings: look at the interval, not at the figure alone.",
            "Another hospital, device or population needs a test of its own.",
        ),
        how=f"ecgstream finetune --head {name}",
    )
