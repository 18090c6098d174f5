"""Age and sex: what is on a line is found, unknown ones are left out, and figures are those of people's own years."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from ecgstream.labelled import LabelledRecords
from ecgstream.models import folder as folders
from ecgstream.models.folder import load_network, save_network
from ecgstream.models.trunk import Classifier, build_trunk
from ecgstream.training.phenotypes import figures, fit_phenotypes, fit_traits, known_traits

SETTINGS = {"widths": [8, 16], "depth": 1}
RNG = np.random.default_rng(0)


def people(number: int = 100) -> LabelledRecords:
    """Women's spikes are taller in V1, and spikes grow wider with age; of three people something is not known."""
    sex, age = (np.arange(number) % 2).astype(np.float32), RNG.uniform(20, 88, number).astype(np.float32)
    mv = RNG.normal(0, 0.02, (number, 8, 2500)).astype(np.float16)
    for row in range(number):
        for at in range(0, 2400, 200):
            mv[row, :, at : at + int(age[row])] += 0.5
        mv[row, 2, ::200] += sex[row]
    sex[:2], age[2:4] = np.nan, np.nan
    names = np.array([f"r{k}" for k in range(number)])
    stated, present = tuple(frozenset() for _ in range(number)), np.ones((number, 8), bool)
    return LabelledRecords("made", names, names, mv, present, np.full(number, 2500), stated, age, sex)


def test_what_lies_on_a_line_is_found_and_what_is_not_known_is_left_out():
    told = RNG.normal(size=(400, 5))
    traits = np.stack([told[:, 1] > 0, 1 / (1 + np.exp(-0.5 * told[:, 3]))], axis=1)
    traits[:50, 0], traits[30:60, 1] = np.nan, np.nan
    weight, bias = fit_traits(told, traits)
    said = 1 / (1 + np.exp(-(told @ weight.T + bias)))
    assert ((said[50:, 0] > 0.5) == traits[50:, 0]).mean() > 0.95
    assert np.abs(said[60:, 1] - traits[60:, 1]).max() < 0.03


def test_figures_by_a_hand_worked_case():
    traits = np.array([[1, 0.5], [0, 0.7], [1, np.nan], [0, 0.6]])
    said = np.array([[0.9, 0.6], [0.2, 0.5], [0.1, 0.4], [0.3, 0.6]])
    told = figures(said, traits, np.array(["a", "b", "c", "d"]))
    assert told["sex auc"] == 0.5 and told["age error, years"] == pytest.approx(10)  # errors of 10, 20 and 0 years
    assert told["age error of the mean age, years"] == pytest.approx(20 / 3, abs=1e-3)


def test_a_head_is_written_that_stands_on_its_trunk_and_has_not_seen_the_first_fold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    torch.manual_seed(0)
    save_network(
        Classifier(build_trunk("foundation_cnn", SETTINGS), 1), tmp_path / "shipped" / "small", labels=("SR",),
        name="small", network="foundation_cnn", settings=SETTINGS, thresholds={}, crop_s=2.5, seen={},
        code_version="0",
    )  # fmt: skip
    monkeypatch.setattr(folders, "SHIPPED", tmp_path / "shipped")
    records = people()
    manifest = fit_phenotypes(records, ["small"] * 5, tmp_path / "phenotypes")
    assert not set(manifest.seen["made"]) & set(records.name[records.fold == 0])
    assert load_network(tmp_path / "phenotypes").manifest.labels == ("phenotype.female", "phenotype.age_per_100")
    found = json.loads((tmp_path / "phenotypes" / "card.json").read_text())["metrics"]["all five folds"]
    assert found["sex auc"] > 0.9 and found["age error, years"] < 0.6 * found["age error of the mean age, years"]


def test_traits_are_as_the_records_state_them():
    records = people(6)
    traits = known_traits(records)
    assert np.isnan(traits[:2, 0]).all() and np.isnan(traits[2:4, 1]).all()
    assert traits[5].tolist() == pytest.approx([1, records.age[5] / 100])
