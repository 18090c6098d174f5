"""The encoder's scores against labels: diagnoses, atrial fibrillation, ventricular rhythms, noise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.metrics import f1_score, roc_auc_score

from ..diagnosis import Model
from ..training import labels
from ..training.examples import Example
from ..training.predict import Prediction, predict
from ..waveform import HOP_S

FEWEST_POSITIVE = 5
"""A statement with fewer positive records has no AUC worth stating."""
SEGMENT_S = 5.0
"""Length of the segments that ventricular rhythms are scored by."""
MAX_UNLABELLED = 0.5


def score_diagnoses(model: Model, examples: Sequence[Example]) -> dict:
    """ROC AUC of superclasses and statements on 12-lead records, by the rolling score at the record's end."""
    told = np.array([each.scores[-1] for each in predict(model, examples)])
    truth = np.array([each.targets for each in examples])
    aucs = {}
    for index, name in enumerate(labels.SCORES[: labels.N_DIAGNOSES]):
        if truth[:, index].sum() >= FEWEST_POSITIVE:
            aucs[name] = round(float(roc_auc_score(truth[:, index], told[:, index])), 4)
    superclasses = {name: aucs.pop(name) for name in labels.SUPERCLASSES if name in aucs}
    return {
        "records": len(examples),
        "superclass_macro_auc": _mean(superclasses),
        "superclass_auc": superclasses,
        "statement_macro_auc": _mean(aucs),
        "statement_auc": aucs,
    }


def score_af(model: Model, examples: Sequence[Example]) -> dict:
    """Atrial fibrillation by record: the mean AF score after the encoder has settled, against the record's label."""
    labelled = [each for each in examples if not np.isnan(each.targets[labels.AF])]
    settled = model.manifest.settling_hops - 1
    told = np.array([each.scores[settled:, labels.AF].mean() for each in predict(model, labelled)])
    truth = np.array([each.targets[labels.AF] for each in labelled]) > 0.5
    return _binary(told, truth, model.manifest.threshold("rhythm.af"))


def score_noise(model: Model, examples: Sequence[Example]) -> dict:
    """Unacceptable quality by record: the noise score at the record's end, against the record's label."""
    labelled = [each for each in examples if not np.isnan(each.targets[labels.NOISE])]
    told = np.array([each.scores[-1, labels.NOISE] for each in predict(model, labelled)])
    truth = np.array([each.targets[labels.NOISE] for each in labelled]) > 0.5
    return _binary(told, truth, model.manifest.threshold("noise"))


def score_ventricular(model: Model, examples: Sequence[Example]) -> dict:
    """VT and VF by segments of 5 s of annotated records: the mean score against whether most of it is the rhythm.

    Segments that are mostly without label (noise), or mostly the other of the two, are left out.
    """
    told = predict(model, examples)
    vt, vf = (_segments(examples, told, labels.INDEX[name]) for name in ("rhythm.vt", "rhythm.vf"))
    return {
        name: _binary(scores[~other], truth[~other], model.manifest.threshold(name))
        for name, (scores, truth), other in (("rhythm.vt", vt, vf[1]), ("rhythm.vf", vf, vt[1]))
    }


def _segments(examples: Sequence[Example], told: Sequence[Prediction], index: int) -> tuple[np.ndarray, np.ndarray]:
    scores, truth, length = [], [], round(SEGMENT_S / HOP_S)
    for example, prediction in zip(examples, told, strict=True):
        whole = len(example.targets) // length * length
        target = example.targets[length:whole, index].reshape(-1, length)  # the first segment settles
        known = np.isnan(target).mean(1) < MAX_UNLABELLED
        scores.append(prediction.scores[length:whole, index].reshape(-1, length)[known].mean(1))
        truth.append(np.nanmean(target[known], axis=1) >= 0.5)
    return np.concatenate(scores), np.concatenate(truth)


def _binary(scores: np.ndarray, truth: np.ndarray, threshold: float) -> dict:
    """AUC and F1 from 0 to 1, Se and Sp in percent, at ``threshold``."""
    found = scores >= threshold
    return {
        "cases": len(truth),
        "positive": int(truth.sum()),
        "auc": round(float(roc_auc_score(truth, scores)), 4),
        "threshold": threshold,
        "se": round(100 * float(found[truth].mean()), 2),
        "sp": round(100 * float((~found[~truth]).mean()), 2),
        "f1": round(float(f1_score(truth, found)), 4),
    }


def _mean(values: dict[str, float]) -> float:
    return round(float(np.mean(list(values.values()))), 4)
