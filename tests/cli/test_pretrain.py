"""``ecgstream pretrain`` as a user calls it."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from ecgstream.cli import app
from ecgstream.labelled import LabelledRecords
from ecgstream.models.folder import load_network
from ecgstream.recorded import RecordedChannel, RecordedSignal, write_recording
from ecgstream.training import broad, finetune


@pytest.mark.parametrize(("network", "width"), [("ecg_jepa", 32), ("heartbeit", 32)])
def test_a_folder_of_recordings_becomes_a_model_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, network: str, width: int
):
    monkeypatch.chdir(tmp_path)
    Path("data/ludb").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name in ("1", "2"):
        leads = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
        channels = tuple(RecordedChannel(lead, "mV", 200.0, 0) for lead in leads)
        samples = rng.normal(0, 100, (8, 2600)).astype(np.int16)
        write_recording(RecordedSignal(name, Fraction(250), channels, samples), Path(f"data/ludb/{name}.hea"))
    called = ["pretrain", network, "data", "--steps", "2", "--dim", "16", "--depth", "1"]
    result = CliRunner().invoke(app, called)
    assert result.exit_code == 0, result.output
    loaded = load_network(Path("runs") / network)
    assert loaded.manifest.seen == {"ludb": ["1", "2"]} and loaded.trunk.width == width
    assert "ludb" in (Path("runs") / network / "card.md").read_text()


def test_a_folder_without_recordings_is_refused_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["pretrain", "ecg_jepa", str(tmp_path)])
    assert result.exit_code == 2 and "holds none of ptbxl" in result.output.replace("\n", " ")


def test_the_convolutional_trunk_takes_a_head_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    rng = np.random.default_rng(0)
    mv = rng.normal(0, 0.02, (40, 8, 2500)).astype(np.float16)
    mv[:, :, 100::200] += rng.uniform(0.5, 1.5, (40, 8, 1))
    name, unknown = np.array([f"{k:05d}" for k in range(40)]), np.full(40, np.nan, np.float32)
    stated = tuple(frozenset({"NORM"} if k % 2 else {"IMI"}) for k in range(40))
    made = LabelledRecords("ptbxl", name, name, mv, np.ones((40, 8), bool), np.full(40, 2500), stated, unknown, unknown)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(broad, "read_ptbxl", lambda data, cache: made)
    result = CliRunner().invoke(app, ["pretrain", "foundation_cnn", "data", "--steps", "2"])
    assert result.exit_code == 0, result.output
    network = load_network("runs/foundation_cnn")
    assert network.manifest.labels == () and network.manifest.seen == {"ptbxl": list(name)}
    label = np.arange(40) % 2
    monkeypatch.setattr(finetune, "STEPS", 2)
    finetune.finetune("OWN", made, label, network, Path("runs/heads/OWN"), frozen=False)
    assert load_network("runs/heads/OWN").manifest.labels == ("OWN",)
