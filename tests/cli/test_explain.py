"""``ecgstream explain``: a recording or an alert in, a picture and numbers out, or a sentence."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ecgstream.cli import app

from ..alert_strips.test_draw import alert


def run(*arguments: str):
    return CliRunner().invoke(app, ["explain", *arguments])


def test_an_alert_is_explained_by_its_own_score_up_to_its_decision(tmp_path: Path):
    (tmp_path / "alert.pb").write_bytes(alert(1).SerializeToString())
    answer = run(str(tmp_path / "alert.pb"), "--out", str(tmp_path / "a.svg"), "--json", str(tmp_path / "a.json"))
    assert answer.exit_code == 0, answer.output
    document = json.loads((tmp_path / "a.json").read_text())
    assert document["score"] == "rhythm.vt" and document["to_s"] == pytest.approx(14.0, abs=0.1)
    assert document["waves_by"] == "beats" and "rhythm.vt" in (tmp_path / "a.svg").read_text()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--score", "CLBB"], "has no score 'CLBB'"),
        (["--at", "3"], "needs 8 s"),
        (["--out", "a.pdf"], "must end in .svg or .png"),
        (["--model", "nowhere"], "nowhere"),
    ],
)
def test_what_cannot_be_explained_is_told_in_a_sentence(tmp_path: Path, arguments: list[str], sentence: str):
    (tmp_path / "alert.pb").write_bytes(alert(1).SerializeToString())
    answer = run(str(tmp_path / "alert.pb"), *arguments)
    assert answer.exit_code == 2 and sentence in answer.output.replace("\n", " ")


@pytest.mark.recordings
def test_of_paced_beats_the_wide_qrs_speaks_for_a_score_not_p_and_t(tmp_path: Path, recordings: Path):
    """LUDB 34, paced, taken for an old infarction; its waves are marked in every lead."""
    out = tmp_path / "a.json"
    answer = run(str(recordings / "ludb" / "34"), "--score", "MI", "--json", str(out))
    assert answer.exit_code == 0, answer.output
    document = json.loads(out.read_text())
    assert document["probability"] > 0.5 and document["waves_by"] == "marks" and len(document["leads"]) == 12
    speaks = {wave: sums["for"] for wave, sums in document["all"].items()}
    assert speaks["QRS"] > 3 * (speaks["P"] + speaks["T"])
