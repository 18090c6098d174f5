"""Diagnoses of whole recordings against their labels: macro AUC and F1 by set of labels, with intervals by patient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.table import Table

from ..labelled import LABEL_SETS, LabelledRecords, targets
from .calibration import expected_error
from .diagnosis_models import DiagnosisModel
from .label_scores import interval, label_aucs, label_f1, patient_draws

FEWEST_POSITIVE = 5
"""A label with fewer positive recordings, or fewer others, has no AUC worth stating."""
DEFAULT_THRESHOLD = 0.5
"""Of a label for which the model states none."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Recordings with what a model says of them; of labels that have enough recordings of both kinds."""

    model: str  # version
    records: LabelledRecords
    seen: int  # recordings that some member of the model had seen, and did not judge
    labels: tuple[str, ...]
    truth: np.ndarray  # float32 (N, L)
    probability: np.ndarray  # float (N, L)
    threshold: np.ndarray  # (L,)
    not_scored: dict[str, str]  # labels that recordings state, and why there is no figure of them


def judge(records: LabelledRecords, model: DiagnosisModel, allow_seen: bool = False) -> Judged:
    """Ask the model. Raises RecordError where a recording has been seen by all of it, unless ``allow_seen``."""
    probability, seen = model.probability(records, allow_seen)
    truth = targets(records.stated, model.labels)
    positive = truth.sum(axis=0)
    scored = np.minimum(positive, len(truth) - positive) >= FEWEST_POSITIVE
    labels = tuple(label for label, enough in zip(model.labels, scored, strict=True) if enough)
    stated = sorted({label for each in records.stated for label in each} - set(labels))
    why = {label: "too few recordings" if label in model.labels else "the model does not have it" for label in stated}
    threshold = np.array([model.thresholds.get(label, DEFAULT_THRESHOLD) for label in labels])
    return Judged(model.version, records, seen, labels, truth[:, scored], probability[:, scored], threshold, why)


def diagnosis_scores(judged: Judged) -> dict[str, Any]:
    """Macro figures of each of ``LABEL_SETS``, with intervals by patient, and figures of each label."""
    found = judged.probability >= judged.threshold
    draws = patient_draws(judged.records.patient)
    result: dict[str, Any] = {"model": judged.model, "records": len(judged.records), "seen": judged.seen}
    for name, labels in LABEL_SETS.items():
        part = [k for k, label in enumerate(judged.labels) if label in labels]
        result[name] = _macro(judged.truth[:, part], judged.probability[:, part], found[:, part], draws)
    aucs, f1 = label_aucs(judged.truth, judged.probability), label_f1(judged.truth, found)
    result["labels"] = {
        label: {
            "positive": int(judged.truth[:, k].sum()),
            "auc": round(float(aucs[k]), 4),
            "f1": round(float(f1[k]), 4),
            "threshold": round(float(judged.threshold[k]), 4),
        }
        for k, label in enumerate(judged.labels)
    }
    result["calibration_error"] = round(expected_error(judged.truth, judged.probability), 4)
    result["not_scored"] = judged.not_scored
    return result


def _macro(truth: np.ndarray, probability: np.ndarray, found: np.ndarray, draws: np.ndarray) -> dict[str, Any]:
    if not truth.shape[1]:
        return {"labels": 0, "macro_auc": None, "macro_auc_ci95": None, "macro_f1": None, "macro_f1_ci95": None}
    auc, auc_ci95 = interval(lambda weight: label_aucs(truth, probability, weight), draws).rounded()
    f1, f1_ci95 = interval(lambda weight: label_f1(truth, found, weight), draws).rounded()
    return {
        "labels": truth.shape[1],
        "macro_auc": auc,
        "macro_auc_ci95": auc_ci95,
        "macro_f1": f1,
        "macro_f1_ci95": f1_ci95,
    }


def diagnosis_table(result: dict[str, Any]) -> Table:
    """What ``diagnosis_scores`` found, for people."""
    title = f"{result['model']}: {result['records']} recordings"
    table = Table("labels", "scored", "macro AUC (95 %)", "macro F1 (95 %)", title=title)
    for name in LABEL_SETS:
        figures = result[name]
        table.add_row(name, str(figures["labels"]), *(_figure(figures, f"macro_{kind}") for kind in ("auc", "f1")))
    return table


def labels_table(result: dict[str, Any]) -> Table:
    """Figures of each label."""
    table = Table("label", "recordings", "AUC", "F1", "at")
    for name, figures in result["labels"].items():
        row = (str(figures[key]) for key in ("positive", "auc", "f1", "threshold"))
        table.add_row(name, *row)
    return table


def _figure(figures: dict[str, Any], key: str) -> str:
    if figures[key] is None:
        return "–"
    low, high = figures[f"{key}_ci95"]
    return f"{figures[key]:.3f} ({low:.3f} to {high:.3f})"
