"""A model directory is taken whole and unaltered, or refused in a sentence."""

import json
import shutil
from dataclasses import replace

import pytest
import torch

from ecgstream.diagnosis.loader import _check_device, _moved, load_model, load_torchscript
from ecgstream.diagnosis.model import SHIPPED, read_manifest
from ecgstream.errors import ModelError

from .graphs import prepared


@pytest.fixture
def copy(model_folder, tmp_path):
    return shutil.copytree(model_folder, tmp_path / "model")


def test_a_model_directory_loads(model_folder):
    model = load_model(model_folder, "cpu")
    assert model.manifest.names == ("NORM", "rhythm.vf")
    assert model.version == f"{model.manifest.name}@{model.manifest.sha256[:12]}"
    scores, state = model.encoder(torch.zeros(3, 32, 50), torch.zeros(3, model.manifest.n_state))
    assert scores.shape == (3, 2, 2 + 30)
    assert state.shape == (3, model.manifest.n_state)


def test_an_altered_encoder_is_refused(copy):
    path = copy / "encoder.pt"
    altered = bytearray(path.read_bytes())
    altered[len(altered) // 2] ^= 1
    path.write_bytes(altered)
    with pytest.raises(ModelError, match="sha256 .* must be"):
        load_model(copy)


@pytest.mark.parametrize("name", ["encoder.pt", "manifest.json"])
def test_a_missing_file_is_named(copy, name):
    (copy / name).unlink()
    with pytest.raises(ModelError, match=name):
        load_model(copy)


@pytest.mark.parametrize("stated", ["[]", "{}", '{"format": "onnx"}', "no json"])
def test_a_manifest_of_another_kind_is_refused(copy, stated):
    (copy / "manifest.json").write_text(stated)
    with pytest.raises(ModelError, match="manifest"):
        load_model(copy)


def test_a_file_that_is_no_torchscript_is_refused(copy):
    import hashlib

    (copy / "encoder.pt").write_bytes(b"not a model")
    stated = json.loads((copy / "manifest.json").read_text())
    stated["sha256"] = hashlib.sha256(b"not a model").hexdigest()
    (copy / "manifest.json").write_text(json.dumps(stated))
    with pytest.raises(ModelError, match="TorchScript"):
        load_model(copy)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_cuda_is_refused_where_there_is_none(model_folder):
    with pytest.raises(ModelError, match="'cuda'"):
        load_model(model_folder, "cuda")


def test_a_threshold_that_was_never_set_is_named(model_folder):
    with pytest.raises(ModelError, match="'NORM'"):
        read_manifest(model_folder).threshold("NORM")


def test_the_shipped_model_loads_and_is_small():
    model = load_model(None, "cpu")
    assert (SHIPPED / model.manifest.records).exists()
    assert (SHIPPED / "encoder.pt").stat().st_size < 10e6
    rhythms = {"rhythm.af", "rhythm.vt", "rhythm.vf"}
    assert {"NORM", "MI", "STTC", "CD", "HYP", "AFIB", *rhythms} <= set(model.manifest.names)
    assert rhythms <= set(model.manifest.thresholds)
    assert model.manifest.n_state * 4 <= 120_000


def state(folder, **fields) -> None:
    stated = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**stated, **fields}))


def test_a_lower_precision_changes_scores_by_little_and_says_so(copy):
    state(copy, differences={"bf16": 0.01})
    full, lowered = load_model(copy, "cpu"), load_model(copy, "cpu", "bf16")
    assert lowered.version == f"{full.version}+bf16"
    samples = torch.randn(3, 32, 250)
    samples[:, 16:] = 1.0
    states = [torch.zeros(3, full.manifest.n_state) for _ in range(2)]
    with torch.no_grad():
        scores = [each.encoder(samples, state)[0] for each, state in zip((full, lowered), states, strict=True)]
    assert 0 < (scores[0] - scores[1]).abs().max() < 0.05


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [({}, "models precision"), ({"differences": {"bf16": 0.03}}, "changed by 0.03"),
     ({"differences": {"bf16": float("nan")}}, "changed by nan"),
     ({"differences": {"bf16": 0.01}, "tolerance": 0.005}, "by 0.005 at most")],
)  # fmt: skip
def test_a_precision_that_changes_scores_by_more_or_by_who_knows_what_is_refused(copy, fields, wanted):
    state(copy, **fields)
    with pytest.raises(ModelError, match=wanted):
        load_model(copy, "cpu", "bf16")


def test_a_manifest_from_before_precisions_were_stated_still_loads(copy):
    stated = json.loads((copy / "manifest.json").read_text())
    for name in ("differences", "tolerance"):
        del stated[name]
    (copy / "manifest.json").write_text(json.dumps(stated))
    assert load_model(copy, "cpu").manifest.differences == {}


def test_the_shipped_model_may_be_served_in_bf16():
    model = load_model(None, "cpu", "bf16")
    assert 0 < model.manifest.differences["bf16"] <= model.manifest.tolerance


def test_an_encoder_moves_to_another_device_with_all_it_has_made(model_folder):
    loaded = prepared(model_folder)
    moved = _moved(loaded, torch.device("meta"))
    made = [part for maps in (moved.by_hop, moved.by_stride) for parts in maps for part in parts]
    assert {tensor.device.type for tensor in (*made, *moved.state_dict().values())} == {"meta"}
    assert [part.shape for part in made[:5]] == [part.shape for part in loaded.by_hop[0]]


@pytest.mark.parametrize("wrong", [0.0, 1e-3, float("nan")])
def test_a_device_on_which_torchscript_says_otherwise_is_refused(model_folder, wrong: float):
    shipped = load_torchscript(model_folder, "cpu", "fp32")

    def encoder(samples, state):
        scores, state = shipped.encoder(samples, state)
        return scores + wrong, state

    model = replace(shipped, encoder=encoder)
    if wrong == 0:
        _check_device(model, prepared(model_folder), 1e-4)
    else:
        with pytest.raises(ModelError, match="diagnosis.device to cpu"):
            _check_device(model, prepared(model_folder), 1e-4)
