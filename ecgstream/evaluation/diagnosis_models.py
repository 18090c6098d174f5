"""Whatever can state diagnoses of whole recordings, behind one form: networks, the streaming encoder, ensembles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.special import expit

from ..diagnosis import Model
from ..diagnosis.loader import load_model
from ..errors import ModelError, RecordError
from ..labelled import LabelledRecords
from ..model_folder import MANIFEST, stated_format
from ..models import ensemble, folder
from ..models.inventory import STREAMING
from ..training.encoder_logits import encoder_logits, records_seen_by
from ..training.supervised import Teaching, predict_logits

BEST = "best"


@dataclass(frozen=True, slots=True)
class Member:
    """One set of weights: what it says, and what it has seen."""

    version: str
    labels: tuple[str, ...]
    seen: dict[str, frozenset[str]]  # data set to record names
    logits: Callable[[LabelledRecords], np.ndarray]  # float (N, L)
    weight: float = 1.0  # in the mean

    def knows(self, records: LabelledRecords) -> np.ndarray:
        """bool (N,): seen in training, or chosen on."""
        return np.isin(records.name, list(self.seen.get(records.data_set, frozenset())))


@dataclass(frozen=True, slots=True)
class DiagnosisModel:
    """Members, and what turns the mean of their logits into probabilities and findings."""

    version: str
    labels: tuple[str, ...]
    members: Sequence[Member]
    scale: np.ndarray  # (L,)
    shift: np.ndarray  # (L,)
    thresholds: dict[str, float]

    def probability(self, records: LabelledRecords, allow_seen: bool = False) -> tuple[np.ndarray, int]:
        """Probabilities (N, L), and how many records some member had seen; NaN where none that judges has the label.

        A record is judged by the members that have not seen it. Raises RecordError where there is none, unless
        ``allow_seen``: then all judge it.
        """
        known = np.stack([member.knows(records) for member in self.members])  # (M, N)
        if (all_know := known.all(axis=0)).any() and not allow_seen:
            raise RecordError(
                f"A model is scored on records it has not seen; {self.version} has seen {all_know.sum()} of "
                f"{len(records)}, such as {records.name[all_know][0]}. Say --allow-seen to score them all the same."
            )
        judges = ~known | all_know
        total = np.zeros((len(records), len(self.labels)))
        count = np.zeros(total.shape)
        for member, asked in zip(self.members, judges, strict=True):
            if not asked.any():
                continue
            where = [member.labels.index(label) for label in self.labels if label in member.labels]
            has = np.array([label in member.labels for label in self.labels])
            total[np.ix_(asked, has)] += member.weight * member.logits(records.take(asked))[:, where]
            count[np.ix_(asked, has)] += member.weight
        mean = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
        return expit(self.scale * mean + self.shift), int(known.any(axis=0).sum())


def open_diagnosis_model(name: str | None = None, device: str = "cpu") -> DiagnosisModel:
    """The model of a directory, or by name: a shipped network or ensemble, or ``streaming``; None: the best there is.

    Raises ModelError when there is no such model, or a file is missing or altered.
    """
    shipped = folder.shipped_networks()
    if name is None:
        name = BEST if BEST in shipped else STREAMING
    if name == STREAMING:
        return _of_encoder(load_model(None, device))
    path = shipped.get(name, Path(name))
    if not (path / MANIFEST).exists():
        raise ModelError(f"There is no model {name!r}: give a model directory, {STREAMING}, or {', '.join(shipped)}.")
    form = stated_format(path)
    if form == ensemble.FORMAT:
        return _of_ensemble(ensemble.read_ensemble(path), device)
    if form == folder.FORMAT:
        return _of_network(folder.load_network(path, device))
    return _of_encoder(load_model(path, device), path)


def _of_network(network: folder.Network) -> DiagnosisModel:
    stated = network.manifest
    scale, shift = np.array(stated.scale), np.array(stated.shift)
    return DiagnosisModel(network.version, stated.labels, [_member(network)], scale, shift, stated.thresholds)


def _member(network: folder.Network) -> Member:
    stated = network.manifest
    teaching = Teaching(crop_s=stated.crop_s)
    seen = {data_set: frozenset(names) for data_set, names in stated.seen.items()}
    return Member(
        network.version, stated.labels, seen, lambda records: predict_logits(network.classifier, records, teaching)
    )


def _of_encoder(model: Model, path: Path | None = None) -> DiagnosisModel:
    member = Member(
        model.version, model.manifest.names, records_seen_by(path), lambda records: encoder_logits(model, records)
    )
    ones = np.ones(len(member.labels))
    return DiagnosisModel(model.version, member.labels, [member], ones, 0 * ones, model.manifest.thresholds)


def _of_ensemble(stated: ensemble.EnsembleManifest, device: str) -> DiagnosisModel:
    members = []
    for name, sha256 in stated.members.items():
        if name == STREAMING:
            one = _of_encoder(model := load_model(None, device))
            ensemble.check_member(name, sha256, model.manifest.sha256)
        else:
            one = _of_network(network := folder.load_network(name, device))
            ensemble.check_member(name, sha256, network.manifest.sha256)
        members += [replace(member, weight=stated.weights[name]) for member in one.members]
    scale, shift = np.array(stated.scale), np.array(stated.shift)
    return DiagnosisModel(stated.version, stated.labels, members, scale, shift, stated.thresholds)
