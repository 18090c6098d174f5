"""A new head from few recordings: parts by patient, the head that is found, its directory and its card."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score, roc_auc_score

from ecgstream.errors import ModelError, RecordError
from ecgstream.labelled import LabelledRecords
from ecgstream.models import folder as folders
from ecgstream.models.folder import Network, load_network, save_network
from ecgstream.models.trunk import Classifier, build_trunk
from ecgstream.training.finetune import TEACHING, finetune, fit_head, part_by_patient
from ecgstream.training.supervised import Teaching, predict_logits
from ecgstream.training.thresholds import best_threshold, platt

SETTINGS = {"widths": [8, 16], "depth": 1}


@pytest.fixture(scope="module")
def labelled() -> tuple[LabelledRecords, np.ndarray]:
    """Eighty recordings of forty patients; those with the diagnosis have taller spikes in V1."""
    rng = np.random.default_rng(0)
    label = np.repeat(np.arange(40) % 3 == 0, 2).astype(int)
    mv = rng.normal(0, 0.05, (80, 8, 2500)).astype(np.float16)
    mv[:, :, ::200] += 0.5
    mv[label == 1, 2, ::200] += 1
    names = np.array([f"r{k}" for k in range(80)])
    patients = np.array([f"p{k // 2}" for k in range(80)])
    unknown, stated = np.full(80, np.nan, np.float32), tuple(frozenset() for _ in range(80))
    present, length = np.ones((80, 8), bool), np.full(80, 2500)
    return LabelledRecords("made", names, patients, mv, present, length, stated, unknown, unknown), label


@pytest.fixture
def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Network:
    torch.manual_seed(0)
    save_network(
        Classifier(build_trunk("foundation_cnn", SETTINGS), 1), tmp_path / "shipped" / "small", labels=("SR",),
        name="small", network="foundation_cnn", settings=SETTINGS, thresholds={}, crop_s=2.5, seen={},
        code_version="0",
    )  # fmt: skip
    monkeypatch.setattr(folders, "SHIPPED", tmp_path / "shipped")
    return load_network("small")


def test_no_patient_is_in_two_parts_and_each_has_positives(labelled):
    records, label = labelled
    parts = part_by_patient(records, label, seed=1)
    assert (parts.fit.astype(int) + parts.validation + parts.test == 1).all()
    sets = [set(records.patient[rows]) for rows in (parts.fit, parts.validation, parts.test)]
    assert not (sets[0] & sets[1] or sets[0] & sets[2] or sets[1] & sets[2])
    assert all(label[rows].sum() for rows in (parts.fit, parts.validation, parts.test))


def test_too_few_patients_are_refused_with_their_number(labelled):
    records, label = labelled
    with pytest.raises(RecordError, match="there are 9 with it"):
        part_by_patient(records.take(label * np.arange(80) < 52), label[label * np.arange(80) < 52], seed=1)


def test_a_frozen_head_stands_on_the_trunk_alone(labelled, network: Network, tmp_path: Path):
    records, label = labelled
    before = network.trunk.state_dict()["last.weight"].clone()
    manifest = finetune("TALL", records, label, network, tmp_path / "TALL")
    assert manifest.on_trunk == network.manifest.sha256
    assert (tmp_path / "TALL" / "weights.safetensors").stat().st_size < 2000
    assert torch.equal(before, network.trunk.state_dict()["last.weight"])
    head = load_network(tmp_path / "TALL")
    parts = part_by_patient(records, label, seed=1)
    said = head.probability(predict_logits(head.classifier, records.take(parts.test), Teaching(crop_s=10.0)))[:, 0]
    sheet = json.loads((tmp_path / "TALL" / "card.json").read_text())
    assert roc_auc_score(label[parts.test], said) == pytest.approx(sheet["metrics"]["auc"], abs=1e-3) and (
        sheet["metrics"]["auc"] > 0.95
    )
    assert sheet["sha256"] == manifest.sha256
    assert not set(manifest.seen["made"]) & set(records.name[parts.test])
    assert "TALL" in (tmp_path / "TALL" / "card.md").read_text()


def test_a_head_sees_all_of_a_recording_on_a_trunk_of_crops(labelled, network: Network, tmp_path: Path):
    assert network.manifest.crop_s == 2.5
    finetune("TALL", *labelled, network, tmp_path / "TALL")
    assert load_network(tmp_path / "TALL").manifest.crop_s == 10.0


def test_a_head_on_a_trunk_that_is_not_there_is_refused(labelled, network: Network, tmp_path: Path):
    finetune("TALL", *labelled, network, tmp_path / "TALL")
    (tmp_path / "shipped" / "small" / "manifest.json").unlink()
    with pytest.raises(ModelError, match="does not ship"):
        load_network(tmp_path / "TALL")


def test_a_head_stands_on_a_trunk_without_parameters(labelled):
    records, label = labelled
    rocket = build_trunk("rocket", {"features": 840})
    rocket.fit_thresholds(torch.from_numpy(records.mv[:8].astype(np.float32)))
    parts = part_by_patient(records, label, seed=1)
    head = fit_head(rocket, records, label, parts, TEACHING, 1, frozen=True)
    said = predict_logits(head, records.take(parts.test), TEACHING)[:, 0]
    assert roc_auc_score(label[parts.test], said) > 0.9


def test_an_unfrozen_head_brings_its_own_trunk(labelled, network: Network, monkeypatch, tmp_path: Path):
    monkeypatch.setattr("ecgstream.training.finetune.STEPS", 10)
    records, label = labelled
    parts = part_by_patient(records, label, seed=1)
    before = {name: value.clone() for name, value in network.trunk.state_dict().items()}
    tuned = fit_head(network.trunk, records, label, parts, Teaching(crop_s=2.5, batch=16), 1, frozen=False)
    assert all(torch.equal(value, network.trunk.state_dict()[name]) for name, value in before.items())
    after = tuned.trunk.state_dict()
    assert not torch.equal(after["stem.0.weight"], before["stem.0.weight"])
    assert torch.equal(after["last.running_mean"], before["last.running_mean"])  # norms are held


def test_fine_tuned_weights_lie_halfway_between_the_probe_and_where_training_ended(
    labelled, network: Network, monkeypatch: pytest.MonkeyPatch
):
    records, label = labelled
    parts, teaching = part_by_patient(records, label, seed=1), Teaching(crop_s=2.5, batch=16)
    ends = []

    def trained(classifier: Classifier, *_, **__) -> None:
        with torch.no_grad():
            classifier.trunk.stem[0].weight.add_(1.0)
        ends.append(classifier.head.weight.clone())

    monkeypatch.setattr("ecgstream.training.finetune.fit_labels", trained)
    probed = fit_head(network.trunk, records, label, parts, teaching, 1, frozen=True)
    tuned = fit_head(network.trunk, records, label, parts, teaching, 1, frozen=False)
    moved = tuned.trunk.stem[0].weight - probed.trunk.stem[0].weight
    torch.testing.assert_close(moved, torch.full_like(moved, 0.5))
    torch.testing.assert_close(tuned.head.weight, ends[0])


def test_thresholds_and_calibration():
    rng = np.random.default_rng(1)
    label = (rng.random(4000) < 0.3).astype(int)
    logit = 2 * (rng.normal(0, 1, 4000) + 1.5 * label)
    scale, shift = platt(logit, label)
    said = 1 / (1 + np.exp(-(scale * logit + shift)))
    assert abs(said.mean() - 0.3) < 0.02
    chosen = f1_score(label, said >= best_threshold(said, label))
    assert chosen == pytest.approx(max(f1_score(label, said >= at) for at in np.unique(said)[::10]), abs=0.005)
    assert platt(np.zeros(3), np.zeros(3, int)) == (1.0, 0.0)
