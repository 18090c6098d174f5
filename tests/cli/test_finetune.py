"""``ecgstream finetune``, as docs/training.md walks it: from a folder and a CSV to a head that a daemon can load."""

import json
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from ecgstream.cli import app
from ecgstream.models.folder import load_network

from ..labelled.folders import write_record


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, list(arguments))
    return done.exit_code, done.output


@pytest.mark.recordings
def test_from_a_folder_and_a_table_to_a_head_with_its_card(
    recordings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    table = pd.read_csv(recordings / "ptbxl250" / "ptbxl_database.csv").head(700)
    table["label"] = table.scp_codes.str.contains("'AFIB'").astype(int)
    chosen = pd.concat([table[table.label == 1].head(30), table[table.label == 0].head(60)])
    lines = [f"{row.ecg_id:05d},{row.label},{row.patient_id}" for row in chosen.itertuples()]
    (tmp_path / "labels.csv").write_text("record,label,patient\n" + "\n".join(lines) + "\n")
    code, said = run("finetune", str(recordings / "ptbxl250"), "--head", "MYAF", "--labels", "labels.csv")
    assert code == 0, said
    sheet = json.loads(Path("runs/heads/MYAF/card.json").read_text())
    assert sheet["metrics"]["auc"] > 0.85 and sheet["metrics"]["test positives"] >= 4
    head = load_network("runs/heads/MYAF")
    assert head.manifest.labels == ("MYAF",) and head.manifest.on_trunk
    assert run("models", "verify", "runs/heads/MYAF")[0] == 0
    code, said = run("models", "show", "runs/heads/MYAF")
    assert code == 0 and "What to know before using it" in said


def test_a_name_or_a_table_that_will_not_do_is_a_sentence(tmp_path: Path):
    write_record(tmp_path, "a", ["I", "II"], fs=250)
    (tmp_path / "labels.csv").write_text("record,label\na,1\n")
    given = (str(tmp_path), "--labels", str(tmp_path / "labels.csv"), "--out", str(tmp_path / "out"))
    code, said = run("finetune", *given, "--head", "../x")
    assert code == 2 and "begins with a letter" in said
    code, said = run("finetune", *given, "--head", "X")
    assert code == 2 and "there are 1 with it" in " ".join(said.split())


def test_every_shipped_model_is_whole_and_has_a_card():
    code, said = run("models", "verify")
    assert code == 0, said
    assert all(name in said for name in ("streaming:", "best:", "rocket:", "foundation_cnn_0:", "heartbeit:"))
    code, said = run("models", "show", "best")
    assert code == 0 and "Not a medical device" in said and "macro_auc_ci95" in said
    code, said = run("models", "verify", "nothing/like/it")
    assert code == 2 and "There is no model" in said
