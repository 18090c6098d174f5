"""Model directories of networks: what is written is what is read, and nothing else is."""

from pathlib import Path

import pytest
import torch

from ecgstream.errors import ModelError
from ecgstream.models.folder import load_network, save_network
from ecgstream.models.trunk import Classifier, build_trunk

SMALL = {"widths": [8, 16], "depth": 1}
STATED = {
    "name": "small", "network": "foundation_cnn", "settings": SMALL, "thresholds": {"SR": 0.5}, "crop_s": 2.5,
    "seen": {"made": ["1"]}, "code_version": "0",
}  # fmt: skip


@pytest.fixture
def classifier() -> Classifier:
    torch.manual_seed(0)
    return Classifier(build_trunk("foundation_cnn", SMALL), 2).eval()


def test_what_is_saved_is_loaded_to_half_precision(classifier: Classifier, tmp_path: Path):
    save_network(classifier, tmp_path, labels=("SR", "AFIB"), **STATED)
    network = load_network(tmp_path)
    mv, present = torch.randn(2, 8, 625), torch.ones(2, 8, dtype=torch.bool)
    with torch.inference_mode():
        assert network.classifier(mv, present) == pytest.approx(classifier(mv, present), abs=5e-3)
    assert network.manifest.labels == ("SR", "AFIB")
    assert network.version == f"small@{network.manifest.sha256[:12]}"


def test_altered_weights_are_refused(classifier: Classifier, tmp_path: Path):
    save_network(classifier, tmp_path, labels=("SR", "AFIB"), **STATED)
    path = tmp_path / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    with pytest.raises(ModelError, match="altered"):
        load_network(tmp_path)


def test_weights_of_another_shape_are_refused(classifier: Classifier, tmp_path: Path):
    save_network(classifier, tmp_path, labels=("SR", "AFIB"), **STATED | {"settings": SMALL | {"depth": 2}})
    with pytest.raises(ModelError, match="does not fit"):
        load_network(tmp_path)


@pytest.mark.parametrize("changed", [{"network": "none"}, {"settings": {"colour": 1}}])
def test_an_unknown_network_is_refused(classifier: Classifier, tmp_path: Path, changed: dict):
    save_network(classifier, tmp_path, labels=("SR", "AFIB"), **STATED | changed)
    with pytest.raises(ModelError, match="network"):
        load_network(tmp_path)
