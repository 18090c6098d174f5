"""``ecgstream pretrain`` as a user calls it."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from ecgstream.cli import app
from ecgstream.models.folder import load_network
from ecgstream.recorded import RecordedChannel, RecordedSignal, write_recording


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
