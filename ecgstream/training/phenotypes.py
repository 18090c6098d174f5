"""Age and sex from an ECG, as a head on a trunk that was taught diagnoses (many traits of a person by one network:
Duffy et al. 2022; age and sex from ECGs: Attia et al. 2019). Not a diagnosis: it shows what a trunk knows besides, and
where a bed's ECG does not look like its patient's age and sex leads may be swapped, or names."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.special import expit
from sklearn.linear_model import LogisticRegressionCV, RidgeCV

from ..evaluation.label_scores import Interval, label_aucs, patient_draws
from ..heads.fitting import FOLDS
from ..labelled import LabelledRecords
from ..models.card import Card, write_card
from ..models.folder import Network, NetworkManifest, load_network, save_network
from ..models.trunk import Classifier
from .foundation import data_of
from .probe import crop_embeddings
from .supervised import Teaching

FEMALE, AGE = "phenotype.female", "phenotype.age_per_100"
LABELS = (FEMALE, AGE)
AGE_SPAN = 100.0
"""Years that a score of 1 stands for: an age is then a share, as a probability is, and heads need no other form."""
STRENGTHS = (0.001, 0.01, 0.1)
PENALTIES = (10.0, 100.0, 1000.0)
"""Of which cross-validation within the training folds takes one."""


def known_traits(records: LabelledRecords) -> np.ndarray:
    """float (N, 2), 1 for women and age in AGE_SPAN, NaN where not known."""
    return np.stack([records.sex, records.age / AGE_SPAN], axis=1).astype(float)


def fit_traits(told: np.ndarray, traits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights (2, D) and biases (2,) of a logistic regression of sex and a ridge of the age's logit, on embeddings
    ``told`` (N, D)."""
    mean, spread = told.mean(0), told.std(0) + 1e-6
    scaled = (told - mean) / spread
    sex, age = ~np.isnan(traits[:, 0]), ~np.isnan(traits[:, 1])
    share = np.clip(traits[age, 1], 0.01, 0.99)
    by_sex = LogisticRegressionCV(
        Cs=STRENGTHS, scoring="neg_log_loss", max_iter=1000, l1_ratios=(0.0,), use_legacy_attributes=False
    ).fit(scaled[sex], traits[sex, 0])
    by_age = RidgeCV(PENALTIES).fit(scaled[age], np.log(share / (1 - share)))
    weight = np.stack([by_sex.coef_[0], by_age.coef_]) / spread
    return weight, np.array([by_sex.intercept_[0], by_age.intercept_]) - weight @ mean


def fit_phenotypes(records: LabelledRecords, trunks: list[str], out: Path) -> NetworkManifest:
    """Measure heads on each of ``trunks``, the k-th of which has not seen fold k, and write that on the first one."""
    traits, said = known_traits(records), np.full((len(records), len(LABELS)), np.nan)
    for fold in reversed(range(FOLDS)):
        network, seen = load_network(trunks[fold]), records.fold != fold
        told = crop_embeddings(network.trunk, records, Teaching(crop_s=network.manifest.crop_s))
        weight, bias = fit_traits(told[seen], traits[seen])
        said[~seen] = expit(told[~seen] @ weight.T + bias)
    manifest = _saved(network, weight, bias, records.take(seen), out)  # of fold 0, the last one
    metrics = {"all five folds": figures(said, traits, records.patient)}
    metrics["fold 0, this head"] = figures(said[~seen], traits[~seen], records.patient[~seen])
    write_card(out, manifest.name, manifest.sha256, _card(network, records, metrics))
    return manifest


def _saved(network: Network, weight: np.ndarray, bias: np.ndarray, seen: LabelledRecords, out: Path) -> NetworkManifest:
    classifier = Classifier(network.trunk, len(LABELS))
    with torch.no_grad():
        classifier.head.weight.copy_(torch.from_numpy(weight))
        classifier.head.bias.copy_(torch.from_numpy(bias))
    return save_network(
        classifier, out, labels=LABELS, name="phenotypes", network=network.manifest.network,
        settings=network.manifest.settings, thresholds={FEMALE: 0.5}, crop_s=network.manifest.crop_s,
        seen={seen.data_set: sorted(seen.name)}, code_version=version("ecgstream"), on_trunk=network.manifest.sha256,
    )  # fmt: skip


def figures(said: np.ndarray, traits: np.ndarray, patient: np.ndarray) -> dict[str, Any]:
    """AUC of sex and mean absolute error of age in years, with intervals by patient; beside it that of the mean age."""
    age = ~np.isnan(traits[:, 1])
    draws, of_known_age = patient_draws(patient), patient_draws(patient[age])
    auc = label_aucs(traits[:, :1], said[:, :1])
    wrong = AGE_SPAN * np.abs(said[age, 1] - traits[age, 1])
    shares = of_known_age / of_known_age.sum(1, keepdims=True)
    sex = _interval(float(auc[0]), label_aucs(traits[:, :1], said[:, :1], draws)[:, 0]).rounded()
    years = _interval(float(wrong.mean()), shares @ wrong).rounded()
    spread = AGE_SPAN * np.abs(traits[age, 1] - traits[age, 1].mean()).mean()
    return {
        "recordings": len(said),
        "sex auc": sex[0],
        "sex auc_ci95": sex[1],
        "age error, years": years[0],
        "age error, years_ci95": years[1],
        "age error of the mean age, years": round(float(spread), 4),
        "age correlation": round(float(np.corrcoef(said[age, 1], traits[age, 1])[0, 1]), 4),
    }


def _interval(value: float, drawn: np.ndarray) -> Interval:
    return Interval(value, *map(float, np.nanpercentile(drawn, [2.5, 97.5])))


def _card(network: Network, records: LabelledRecords, metrics: dict[str, Any]) -> Card:
    return Card(
        what=f"Sex ({FEMALE}: probability) and age ({AGE}: years divided by {AGE_SPAN:g}, no probability) from ten "
        f"seconds of ECG, as a head on the frozen trunk of {network.version}.",
        data=data_of(records) + " Ages above 89 are not stated there and not taught.",
        split="Five folds by patient: each is judged by a head and a trunk that have not seen it. "
        "What ships is the head of fold 0.",
        metrics=metrics,
        limits=(
            "No diagnosis; a single age is often far off, and the young and the old are drawn to the mean.",
            "Sex as the registry states it, in two kinds.",
        ),
        how="ecgstream train-phenotypes DATA",
    )
