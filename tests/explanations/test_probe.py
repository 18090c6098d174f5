"""What is explained is what is served."""

from pathlib import Path

import numpy as np
import pytest
import torch

from ecgstream.diagnosis.loader import load_model
from ecgstream.errors import ModelError
from ecgstream.explanations.explanation import explain
from ecgstream.explanations.probe import EncoderProbe, load_probe
from ecgstream.labelled import SAMPLES, LabelledRecords
from ecgstream.labelled.records import SLOTS
from ecgstream.models.folder import Network, load_network, save_network
from ecgstream.models.streaming import rebuilt
from ecgstream.models.trunk import Classifier, build_trunk
from ecgstream.training.supervised import Teaching, predict_logits
from ecgstream.waveform import HOP_SAMPLES, N_LEADS

from .probes import window


@pytest.mark.parametrize("hops", [45, 47])
def test_the_rebuilt_encoder_says_what_the_served_one_says(hops: int):
    slots = np.array([1, 6])
    rng = torch.Generator().manual_seed(3)
    mv = torch.randn((1, 2, hops * HOP_SAMPLES), generator=rng)
    valid = torch.rand((1, 2, hops * HOP_SAMPLES), generator=rng) > 0.1
    mv[~valid] = 0
    model, probe = load_model(), EncoderProbe()
    samples = torch.zeros((1, 2 * N_LEADS, hops * HOP_SAMPLES // 2))
    samples[:, slots], samples[:, slots + N_LEADS] = mv[:, :, 1::2], valid[:, :, 1::2].float()
    with torch.no_grad():
        served, _ = model.encoder(samples, torch.zeros((1, model.manifest.n_state)))
        probability = torch.sigmoid(probe.logits(slots, mv, valid))
    assert probe.version == model.version
    assert torch.allclose(probability[0], served[0, -1, : len(probe.names)], atol=1e-5)


def test_weights_of_another_make_are_refused():
    with pytest.raises(ModelError, match="this program's own encoder"):
        rebuilt({"score_scale": torch.ones(3)})


def test_a_directory_without_a_model_is_refused(tmp_path: Path):
    with pytest.raises(ModelError, match="cannot be read"):
        EncoderProbe(tmp_path)


@pytest.fixture
def network(tmp_path: Path) -> Network:
    torch.manual_seed(0)
    settings = {"widths": [8, 16], "depth": 1}
    save_network(
        Classifier(build_trunk("foundation_cnn", settings), 2), tmp_path, labels=("SR", "AFIB"), scale=(2.0, 0.5),
        shift=(-1.0, 0.5), name="small", network="foundation_cnn", settings=settings, thresholds={}, crop_s=5.0,
        seen={}, code_version="0",
    )  # fmt: skip
    return load_network(tmp_path)


def test_a_network_says_what_it_says_of_a_labelled_recording(network: Network, tmp_path: Path):
    rng = np.random.default_rng(4)
    mv = rng.normal(size=(1, 8, SAMPLES)).astype(np.float16)
    mv[:, 3] = 0
    present = np.ones((1, 8), bool)
    present[:, 3] = False
    unknown = np.full(1, np.nan, np.float32)
    records = LabelledRecords(
        "made", np.array(["1"]), np.array(["1"]), mv, present, np.array([SAMPLES]), (frozenset(),), unknown, unknown
    )
    expected = network.probability(predict_logits(network.classifier, records, Teaching(crop_s=5.0)))
    there = np.flatnonzero(present[0])
    slots = np.append(SLOTS[there], 2)  # and III, which it does not take
    shown = np.concatenate((mv[:, there].astype(np.float32), np.ones((1, 1, SAMPLES), np.float32)), 1)
    probe = load_probe(str(tmp_path))
    logits = probe.logits(slots, torch.from_numpy(shown), torch.ones(shown.shape, dtype=torch.bool))
    assert probe.names == ("SR", "AFIB") and probe.version == network.version
    assert 1 / (1 + np.exp(-logits.numpy())) == pytest.approx(expected, abs=1e-5)


def test_a_network_without_any_of_its_leads_says_so(network: Network, tmp_path: Path):
    with pytest.raises(ModelError, match="takes the leads I, II, V1"):
        load_probe(str(tmp_path)).logits(np.array([12]), torch.zeros(1, 1, 2500), torch.ones(1, 1, 2500) > 0)


def test_a_rocket_is_explained_without_being_told_how_by_what_it_sees(tmp_path: Path):
    torch.manual_seed(0)
    settings, rng = {"features": 840}, np.random.default_rng(1)
    trunk = build_trunk("rocket", settings)
    trunk.fit_thresholds(torch.from_numpy(rng.normal(0, 0.3, (4, 8, SAMPLES)).astype(np.float32)))
    save_network(
        Classifier(trunk, 1), tmp_path, labels=("TALL",), name="small", network="rocket", settings=settings,
        thresholds={}, crop_s=10.0, seen={}, code_version="0",
    )  # fmt: skip
    shown = window(rng.normal(0, 0.3, (3, 2 * SAMPLES)))  # I, II, and III, which it does not take
    found = explain(load_probe(str(tmp_path)), shown, "TALL")
    assert found.method == "occlusion"
    assert not found.contributions[2].any() and not found.contributions[:, :SAMPLES].any()
    assert (np.abs(found.contributions[:2, SAMPLES:]).sum(1) > 0).all()
