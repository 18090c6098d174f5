"""Soft targets: from networks that have not seen the record, and for what is trained on alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from ecgstream.labelled import LabelledRecords
from ecgstream.training import labels, teachers

from .conftest import example

N = labels.N_DIAGNOSES


@dataclass
class FoldNetwork:
    """Remembers which records it was taught."""

    seen: frozenset[str]


@pytest.fixture
def fitted(monkeypatch: pytest.MonkeyPatch) -> list[FoldNetwork]:
    """Networks that are sure of what they have seen, and doubt all else."""
    networks: list[FoldNetwork] = []

    def fit(taught, fold, passes, seed, device, checkpoint):
        networks.append(FoldNetwork(frozenset(taught.records.name[taught.fold != fold])))
        return networks[-1]

    def ask(network, records, teaching):
        return np.array([[5.0 if name in network.seen else -1.0] * N for name in records.name], np.float32)

    monkeypatch.setattr(teachers, "fit_cnn", fit)
    monkeypatch.setattr(teachers, "predict_logits", ask)
    return networks


def recordings(data_set: str, n: int) -> LabelledRecords:
    names, unknown = np.array([f"{k:05d}" for k in range(n)]), np.full(n, np.nan, np.float32)
    return LabelledRecords(
        data_set, names, names, np.zeros((n, 8, 2500), np.float16), np.ones((n, 8), bool), np.full(n, 2500),
        tuple(frozenset({"NORM"}) for _ in range(n)), unknown, unknown,
    )  # fmt: skip


def test_of_each_record_a_network_speaks_that_has_not_seen_it(fitted: list[FoldNetwork], tmp_path: Path):
    own, of_others = teachers.ask(recordings("ptbxl", 60), recordings("cinc2011", 4), 1, tmp_path)
    assert len(fitted) == 5
    assert own == pytest.approx(1 / (1 + np.exp(1.0))) and own.shape == (60, N)
    assert of_others.shape == (4, N)


def test_a_target_lies_between_the_label_and_what_is_said():
    stated = np.zeros(labels.N_SCORES, np.float32)
    stated[0] = 1
    labelled = example("ptbxl", 10, 12, targets=stated)
    soft = teachers.leaning(labelled, {"1": np.full(N, 0.2, np.float32)}, 0.5).targets
    assert soft[:N] == pytest.approx(np.append([0.6], np.full(N - 1, 0.1)))
    assert (soft[N:] == 0).all() and labelled.targets[0] == 1


def test_a_recording_without_diagnoses_is_taught_what_is_said():
    unknown = np.full(labels.N_SCORES, np.nan, np.float32)
    unknown[labels.NOISE] = 0
    soft = teachers.leaning(example("cinc2011", 10, 12, targets=unknown), {"1": np.full(N, 0.2, np.float32)}, 1.0)
    assert soft.targets[:N] == pytest.approx(0.2)
    assert np.isnan(soft.targets[[labels.AF, labels.VT, labels.VF]]).all() and soft.targets[labels.NOISE] == 0


@pytest.mark.parametrize("known", [{"validation": True}, {"targets": np.ones(labels.N_SCORES, np.float32)}])
def test_what_validates_and_what_cannot_be_read_stays_as_it_is(known: dict):
    kept = example("cinc2011", 10, 12, **known)
    assert teachers.leaning(kept, {}, 1.0) is kept
