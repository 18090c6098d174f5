"""The foundation networks: many diagnoses from every PTB-XL record at hand, in five folds by patient.

Of each fold there is a convolutional network that has not seen it; beside them one rocket. What ships as the best is
their mean (an ensemble), calibrated on what each said of the fold it had not seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.special import expit
from torch.nn import functional

from ..evaluation.label_scores import interval, label_aucs, label_f1, patient_draws
from ..heads.fitting import FOLDS
from ..labelled import LABEL_SETS, LabelledRecords, label_names, targets
from ..models.card import Card, write_card
from ..models.ensemble import FORMAT, EnsembleManifest, save_ensemble
from ..models.folder import NetworkManifest, save_network
from ..models.rocket import Rocket
from ..models.trunk import Classifier, build_trunk
from .loop import Schedule
from .supervised import Teaching, fit_labels, predict_logits
from .thresholds import best_threshold, platt

FEWEST = 15
"""Records with a statement below which it is no label."""
CNN_SETTINGS: dict[str, Any] = {"widths": [32, 48, 64, 96]}
CNN_TEACHING = Teaching(crop_s=2.5, fewer_leads=0.15)
DROPOUT = 0.3
ROCKET_TEACHING = Teaching(crop_s=10.0, test_crops=1)
ROCKET_PENALTY = 0.1
ROCKET_SHARE = 0.5
"""Of the ensemble's mean; the rest is the convolutional networks'."""
DATA = "PTB-XL (Wagner et al. 2020, CC BY 4.0), {n} records of {patients} patients of strat_fold 1 to 8."
LIMITS = (
    "Some 2,300 ECGs of one region and one make of device; rare statements are learned from 15 to 30 records.",
    "Taught with leads missing, and scored here with all eight; fewer leads cost accuracy that is not stated.",
    "Thresholds and calibration come from the records of the figures: F1 is a little favourable, AUC is not touched.",
    "PTB-XL's statements are those of its cardiologists, likelihoods ignored.",
)


@dataclass(frozen=True, slots=True)
class Taught:
    """Records, labels and targets that all of the networks share."""

    records: LabelledRecords
    labels: tuple[str, ...]
    targets: np.ndarray  # float32 (N, L)
    fold: np.ndarray  # int64 (N,)


def taught_by(records: LabelledRecords) -> Taught:
    """Superclasses and every statement with enough records."""
    labels = label_names(records.stated, FEWEST)
    return Taught(records, labels, targets(records.stated, labels), records.fold)


def fit_cnn(taught: Taught, fold: int, passes: int, seed: int, device: str, checkpoint: Path | None) -> Classifier:
    """The convolutional network that has not seen ``fold``."""
    torch.manual_seed(100 * seed + fold)
    network = build_trunk("foundation_cnn", CNN_SETTINGS)
    classifier = Classifier(network, len(taught.labels), DROPOUT).to(device)
    rows = taught.fold != fold
    steps = passes * int(rows.sum() // CNN_TEACHING.batch)
    schedule = Schedule(steps, seed - 1 + fold, peak_rate=3e-3, average=0.99)
    known = taught.records.take(rows)
    title = f"fold {fold}"
    fit_labels(classifier, known, taught.targets[rows], schedule, CNN_TEACHING, checkpoint=checkpoint, title=title)
    return classifier.cpu()


def rocket_of(records: LabelledRecords, n_labels: int) -> tuple[Classifier, torch.Tensor]:
    """A rocket with thresholds of these records (their labels play no part), and its shares (N, D) of them."""
    rocket = Rocket()
    mv = torch.from_numpy(np.where(records.present[:, :, None], records.mv, 0).astype(np.float32))
    rocket.fit_thresholds(mv)
    rocket.thresholds.copy_(rocket.thresholds.half().float())  # as they are kept
    with torch.inference_mode():
        shares = torch.cat([rocket.shares(mv[at : at + 32]) for at in range(0, len(mv), 32)])
    return Classifier(rocket, n_labels), shares.clone()


def fit_rocket_head(classifier: Classifier, shares: torch.Tensor, wanted: np.ndarray) -> None:
    """Penalised logistic regression of all labels on standardised ``shares`` (N, D), solved among the N records."""
    rocket: Rocket = classifier.trunk
    rocket.fit_scale(shares)
    known = ((shares - rocket.mean) / rocket.spread).double()
    values, vectors = torch.linalg.eigh(known @ known.T / known.shape[1])
    root = values.clamp_min(1e-6).sqrt()
    basis, goal = vectors * root, torch.from_numpy(wanted).double()
    weight = torch.zeros((len(known), goal.shape[1]), dtype=torch.double, requires_grad=True)
    bias = torch.zeros(goal.shape[1], dtype=torch.double, requires_grad=True)
    solver = torch.optim.LBFGS([weight, bias], max_iter=100, history_size=10, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        solver.zero_grad()
        wrong = functional.binary_cross_entropy_with_logits(basis @ weight + bias, goal, reduction="sum")
        total = wrong + ROCKET_PENALTY * weight.square().sum() / 2
        total.backward()
        return total

    solver.step(loss)
    with torch.no_grad():
        found = known.T @ (vectors / root) @ weight / known.shape[1]
        classifier.head.weight.copy_(found.T.float())
        classifier.head.bias.copy_(bias.float())


def rocket_logits(taught: Taught, classifier: Classifier, shares: torch.Tensor) -> np.ndarray:
    """Logits (N, L) of every record by heads fitted without its fold."""
    found = np.zeros(taught.targets.shape, np.float32)
    for fold in range(FOLDS):
        rows = torch.from_numpy(taught.fold != fold)
        fit_rocket_head(classifier, shares[rows], taught.targets[taught.fold != fold])
        scaled = (shares[~rows] - classifier.trunk.mean) / classifier.trunk.spread
        with torch.inference_mode():
            found[taught.fold == fold] = classifier.head(scaled).numpy()
    return found


def save_member(
    classifier: Classifier, network: str, settings: dict[str, Any], teaching: Teaching, name: str, taught: Taught,
    rows: np.ndarray, logits: np.ndarray, out: Path, command: str,
) -> NetworkManifest:  # fmt: skip
    """Write a network with calibration, thresholds and card from its ``logits`` (N, L), NaN where it has seen a record.

    ``rows`` bool (N,): those it has seen. Logits of a network that has seen all are those of its likes by folds.
    """
    judged = ~np.isnan(logits[:, 0])
    calibration = calibrated(logits[judged], taught.targets[judged])
    scale, shift, thresholds = calibration
    manifest = save_network(
        classifier, out / name, labels=taught.labels, scale=scale, shift=shift, name=name, network=network,
        settings=settings, thresholds=dict(zip(taught.labels, thresholds, strict=True)), crop_s=teaching.crop_s,
        seen={taught.records.data_set: sorted(taught.records.name[rows])}, code_version=version("ecgstream"),
    )  # fmt: skip
    split = "Five folds by patient; it has seen four, and its figures are of the fifth."
    if rows.all():
        split = "It has seen all; its figures are those of its likes by five folds of patients."
    metrics = metrics_of(taught, logits, calibration, judged)
    parameters = f"{manifest.n_parameters / 1e6:.2f} million numbers, {len(taught.labels)} labels"
    what = f"`{network}`: {parameters}; eight leads at 250 Hz in crops of {teaching.crop_s:g} s."
    write_card(out / name, name, manifest.sha256, Card(what, data_of(taught.records), split, metrics, LIMITS, command))
    return manifest


def save_best(
    taught: Taught, cnn: np.ndarray, rocket: np.ndarray, members: dict[str, NetworkManifest], out: Path, command: str
) -> dict[str, Any]:
    """Write the ensemble ``best`` with its card from what each kind said by folds; its figures."""
    logits = (1 - ROCKET_SHARE) * cnn + ROCKET_SHARE * rocket
    calibration = calibrated(logits, taught.targets)
    scale, shift, thresholds = calibration
    weights = {name: ROCKET_SHARE if each.network == "rocket" else (1 - ROCKET_SHARE) / FOLDS
               for name, each in members.items()}  # fmt: skip
    shas = {name: each.sha256 for name, each in members.items()}
    stated = dict(zip(taught.labels, thresholds, strict=True))
    best = EnsembleManifest(FORMAT, "best", shas, weights, taught.labels, scale, shift, stated, version("ecgstream"))
    save_ensemble(best, out / "best")
    metrics = metrics_of(taught, logits, calibration, np.ones(len(logits), bool))
    alone = {kind: superclass_auc(taught, each) for kind, each in (("foundation_cnn", cnn), ("rocket", rocket))}
    sheet = metrics | {"superclass macro_auc of one kind alone": alone}
    what = f"The weighted mean of {len(members)} networks: " + ", ".join(
        f"{name} ({weights[name]:g})" for name in members
    )
    split = (
        "Five folds by patient, each judged by the network and a rocket that have not seen it. On a record that none "
        "has seen all five networks speak, which these figures do not count in."
    )
    write_card(out / "best", "best", best.sha256, Card(what, data_of(taught.records), split, sheet, LIMITS, command))
    return sheet


def calibrated(logits: np.ndarray, wanted: np.ndarray) -> tuple[list[float], list[float], list[float]]:
    """Scale, shift and threshold of each label (L,), from logits of records not seen (N, L)."""
    pairs = [platt(logits[:, k], wanted[:, k]) for k in range(wanted.shape[1])]
    said = probabilities(logits, pairs)
    thresholds = [best_threshold(said[:, k], wanted[:, k]) for k in range(wanted.shape[1])]
    return [scale for scale, _ in pairs], [shift for _, shift in pairs], thresholds


def probabilities(logits: np.ndarray, pairs: Sequence[tuple[float, float]]) -> np.ndarray:
    """Of logits (N, L) by each label's scale and shift."""
    scale, shift = np.array(pairs).T
    return expit(scale * logits + shift)


def metrics_of(taught: Taught, logits: np.ndarray, calibration: tuple, judged: np.ndarray) -> dict[str, Any]:
    """Macro AUC and F1 with intervals, by set of labels, on the rows ``judged``."""
    scale, shift, thresholds = calibration
    said = probabilities(logits[judged], list(zip(scale, shift, strict=True)))
    truth, found = taught.targets[judged], said >= np.array(thresholds)
    draws = patient_draws(taught.records.patient[judged])
    metrics: dict[str, Any] = {"records": int(judged.sum())}
    for name, members in LABEL_SETS.items():
        at = [k for k, label in enumerate(taught.labels) if label in members]
        auc = interval(lambda weight, at=at: label_aucs(truth[:, at], said[:, at], weight), draws)
        f1 = interval(lambda weight, at=at: label_f1(truth[:, at], found[:, at], weight), draws)
        metrics[name] = {
            "labels": len(at),
            "macro_auc": round(auc.value, 4),
            "macro_auc_ci95": auc.rounded()[1],
            "macro_f1": round(f1.value, 4),
            "macro_f1_ci95": f1.rounded()[1],
        }
    metrics["superclasses auc"] = {
        label: round(float(value), 4)
        for label, value in zip(taught.labels, label_aucs(truth, said), strict=True)
        if label in LABEL_SETS["superclass"]
    }
    return metrics


def superclass_auc(taught: Taught, logits: np.ndarray) -> float:
    """Macro AUC of the superclasses."""
    at = [k for k, label in enumerate(taught.labels) if label in LABEL_SETS["superclass"]]
    return round(float(np.mean(label_aucs(taught.targets[:, at], logits[:, at]))), 4)


def data_of(records: LabelledRecords) -> str:
    """What the card says it was taught."""
    return DATA.format(n=f"{len(records):,}", patients=f"{len(set(records.patient)):,}")


def train_foundation(records: LabelledRecords, out: Path, cache: Path, passes: int, seed: int, device: str) -> dict:
    """Train all networks, calibrate them, write their directories and the ensemble under ``out``; its figures.

    Stopped, it goes on from its checkpoints in ``cache``.
    """
    taught, command = taught_by(records), f"ecgstream train-foundation DATA --passes {passes} --seed {seed}"
    cnn, members = np.zeros(taught.targets.shape, np.float32), {}
    for fold in range(FOLDS):
        checkpoint = cache / f"foundation_cnn-{seed}-{passes}-{fold}.pt"
        classifier = fit_cnn(taught, fold, passes, seed, device, checkpoint)
        members |= save_cnn(taught, classifier, fold, cnn, out, command)
    return finish(taught, cnn, members, out, command)


def save_cnn(
    taught: Taught, classifier: Classifier, fold: int, cnn: np.ndarray, out: Path, command: str
) -> dict[str, NetworkManifest]:
    """Write the network of a fold and put what it says of the fold into ``cnn`` (N, L)."""
    unseen, name = taught.fold == fold, f"foundation_cnn_{fold}"
    said = np.full(taught.targets.shape, np.nan, np.float32)
    said[unseen] = cnn[unseen] = predict_logits(classifier, taught.records.take(unseen), CNN_TEACHING)
    settings = CNN_SETTINGS
    return {
        name: save_member(
            classifier, "foundation_cnn", settings, CNN_TEACHING, name, taught, ~unseen, said, out, command
        )
    }


def finish(taught: Taught, cnn: np.ndarray, members: dict[str, NetworkManifest], out: Path, command: str) -> dict:
    """Fit the rocket, by folds and on all, and write it and the ensemble."""
    classifier, shares = rocket_of(taught.records, len(taught.labels))
    by_folds = rocket_logits(taught, classifier, shares)
    fit_rocket_head(classifier, shares, taught.targets)
    all_seen = np.ones(len(taught.records), bool)
    members["rocket"] = save_member(
        classifier, "rocket", {}, ROCKET_TEACHING, "rocket", taught, all_seen, by_folds, out, command
    )
    return save_best(taught, cnn, by_folds, members, out, command)
