"""What convolutional networks say of twelve-lead recordings, for the streaming encoder to learn beside the labels.

Source: Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural Network" (2015). Five networks each leave out one
fold of the patients taught, so that of every labelled record one speaks that has not seen it; a network asked about
what it was taught would repeat the label. Of records without diagnoses all five speak.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.special import expit

from ..heads.fitting import FOLDS
from ..labelled import LabelledRecords, targets
from ..labelled.reading import Listed, read_listed, read_ptbxl
from . import foundation, labels
from .examples import Example
from .foundation import CNN_TEACHING, Taught, fit_cnn
from .supervised import predict_logits

NAMES = labels.SCORES[: labels.N_DIAGNOSES]
PASSES = 30
SHARE = 0.5
"""Of a diagnosis's target, what the networks say of it; the rest is the label."""
Said = dict[str, np.ndarray]
"""Probabilities float32 (N_DIAGNOSES,) by record."""


def softened(examples: dict[str, list[Example]], data: Path, cache: Path, seed: int) -> dict[str, list[Example]]:
    """The examples, those of PTB-XL and CinC 2011 with targets that lean on what the networks say.

    Examples kept for validation stay as they are, and the networks never see them. CinC 2011 states no diagnosis:
    there the networks' word is all.
    """
    taught = {name: [each.record for each in examples[name] if not each.validation] for name in ("ptbxl", "cinc2011")}
    ptbxl, cinc2011 = _said(data, cache, taught["ptbxl"], taught["cinc2011"], seed)
    return examples | {
        "ptbxl": [leaning(each, ptbxl, SHARE) for each in examples["ptbxl"]],
        "cinc2011": [leaning(each, cinc2011, 1.0) for each in examples["cinc2011"]],
    }


def leaning(example: Example, said: Said, share: float) -> Example:
    """The example with ``share`` of its targets for diagnoses from what is ``said`` of it; a diagnosis that is not
    supervised counts as not there. Validation examples and unacceptable recordings stay as they are."""
    if example.validation or example.targets[labels.NOISE] == 1:
        return example
    target = example.targets.copy()
    known = np.nan_to_num(target[: labels.N_DIAGNOSES])
    target[: labels.N_DIAGNOSES] = (1 - share) * known + share * said[example.record]
    return replace(example, targets=target)


def _said(data: Path, cache: Path, ptbxl: list[str], cinc2011: list[str], seed: int) -> tuple[Said, Said]:
    """What the networks say of records of PTB-XL, which teach them, and of CinC 2011; from ``cache`` where all is as it
    was."""
    records = read_ptbxl(data, cache)
    records = records.take(np.isin(records.name, ptbxl))
    listed = [Listed(data / "cinc2011" / name, name) for name in cinc2011]
    others = read_listed("cinc2011", listed, cache)
    path = cache / f"teachers-{_hash(records, others, seed)}.npz"
    if not path.exists():
        own, of_others = ask(records, others, seed, cache)
        np.savez(path, own=own, others=of_others)
    with np.load(path) as found:
        return (
            dict(zip(records.name, found["own"], strict=True)),
            dict(zip(others.name, found["others"], strict=True)),
        )


def ask(records: LabelledRecords, others: LabelledRecords, seed: int, cache: Path) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities float32 (N, N_DIAGNOSES) of ``records`` by the network that has not seen each, and of ``others``
    by the mean of all."""
    taught = Taught(records, NAMES, targets(records.stated, NAMES), records.fold)
    own, of_others = np.zeros((len(records), len(NAMES)), np.float32), 0.0
    for fold in range(FOLDS):
        network = fit_cnn(taught, fold, PASSES, seed, "cpu", cache / f"teacher-{seed}-{fold}.pt")
        tested = taught.fold == fold
        own[tested] = predict_logits(network, records.take(tested), CNN_TEACHING)
        of_others = of_others + predict_logits(network, others, CNN_TEACHING) / FOLDS
    return expit(own), expit(of_others)


def _hash(records: LabelledRecords, others: LabelledRecords, seed: int) -> str:
    """Changes with what the networks are taught and asked, and with how."""
    said = hashlib.sha256(f"{seed} {PASSES} {NAMES} {foundation.CNN_SETTINGS} {CNN_TEACHING}".encode())
    for each in (records, others):
        said.update(" ".join(each.name).encode() + each.mv.tobytes())
    return said.hexdigest()[:12]
