"""The encoder's scores against labels: diagnoses, atrial fibrillation, ventricular rhythms, noise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.metrics import f1_score, roc_auc_score

from ..diagnosis import Manifest
from ..training import labels
from ..training.examples import Example
from ..training.predict import Prediction
from ..waveform import HOP_S

FEWEST_POSITIVE = 5
"""A statement with fewer positive records has no AUC worth stating."""
SEGMENT_S = 5.0
"""Length of the segments that ventricular rhythms are scored by."""
MAX_UNLABELLED = 0.5


def score_diagnoses(examples: Sequence[Example], told: Sequence[Prediction]) -> dict:
    """ROC AUC of superclasses and statements on 12-lead records, by the rolling score at the record's end."""
    last = np.array([each.scores[-1] for each in told])
    truth = np.array([each.targets for each in examples])
    aucs = {}
    for index, name in enumerate(labels.SCORES[: labels.N_DIAGNOSES]):
        if truth[:, index].sum() >= FEWEST_POSITIVE:
            aucs[name] = round(float(roc_auc_score(truth[:, index], last[:, index])), 4)
    superclasses = {name: aucs.pop(name) for name in labels.SUPERCLASSES if name in aucs}
    return {
        "records": len(examples),
        "superclass_macro_auc": _mean(superclasses),
        "superclass_auc": superclasses,
        "statement_macro_auc": _mean(aucs),
        "statement_auc": aucs,
    }


def score_af(manifest: Manifest, examples: Sequence[Example], told: Sequence[Prediction]) -> dict:
    """Atrial fibrillation by record: the mean AF score after the encoder has settled, against the record's label."""
    settled = manifest.settling_hops - 1
    means = np.array([each.scores[settled:, labels.AF].mean() for each in told])
    return _of_labelled(means, examples, labels.AF, manifest.threshold("rhythm.af"))


def score_noise(manifest: Manifest, examples: Sequence[Example], told: Sequence[Prediction]) -> dict:
    """Unacceptable quality by record: the noise score at the record's end, against the record's label."""
    last = np.array([each.scores[-1, labels.NOISE] for each in told])
    return _of_labelled(last, examples, labels.NOISE, manifest.threshold("noise"))


def _of_labelled(scores: np.ndarray, examples: Sequence[Example], index: int, threshold: float) -> dict:
    """Of the records that have a label for the score ``index``."""
    truth = np.array([each.targets[index] for each in examples])
    known = ~np.isnan(truth)
    return _binary(scores[known], truth[known] > 0.5, threshold)


def score_ventricular(manifest: Manifest, examples: Sequence[Example], told: Sequence[Prediction]) -> dict:
    """VT and VF by segments of 5 s of annotated records: the mean score against whether most of it is the rhythm.

    Segments that are mostly without label (noise), or mostly the other of the two, are left out.
    """
    vt, vf = (_segments(examples, told, labels.INDEX[name]) for name in ("rhythm.vt", "rhythm.vf"))
    return {
        name: _binary(scores[~other], truth[~other], manifest.threshold(name))
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
