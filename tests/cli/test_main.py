"""The command line: what people see first."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from ecgstream.cli import app

ROOT = Path(__file__).parent.parent.parent
runner = CliRunner()


def test_check_config_prints_the_settings_in_effect_and_the_model():
    config = str(ROOT / "deploy" / "ecgstream.yaml")
    done = runner.invoke(app, ["check-config", "--config", config, "--set", "http.port=9001"])
    assert done.exit_code == 0, done.output
    assert yaml.safe_load(done.output)["http"]["port"] == 9001
    assert "# model: ecgstream-" in done.output


def test_check_config_without_a_model_says_so():
    done = runner.invoke(app, ["check-config", "--set", "diagnosis.enabled=false"])
    assert done.exit_code == 0 and "# model: off" in done.output


@pytest.mark.parametrize("command", [[], ["run"], ["demo"], ["bench"], ["train"], ["evaluate"], ["evaluate", "beats"]])
def test_every_command_has_help_worth_reading(command: list[str]):
    done = runner.invoke(app, [*command, "--help"])
    assert done.exit_code == 0 and len(done.output) > 300


def test_version_says_what_it_is_not():
    assert "not a medical device" in runner.invoke(app, ["version"]).output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["check-config", "--set", "http.port"], "NAME=VALUE"),
        (["check-config", "--set", "http.port=-1"], "http.port"),
        (["evaluate", "beats", "nowhere"], "no WFDB record"),
        (["evaluate", "episodes", "nowhere"], "no WFDB record"),
    ],
)
def test_faults_are_sentences_and_exit_code_2(arguments: list[str], said: str):
    done = runner.invoke(app, arguments)
    assert done.exit_code == 2
    assert said in done.output


@pytest.mark.recordings
def test_evaluate_beats_writes_its_promised_keys(recordings: Path, tmp_path: Path):
    folder = tmp_path / "two"
    folder.mkdir()
    for file in (recordings / "mitdb").glob("100.*"):
        (folder / file.name).symlink_to(file)
    options = ["--json", str(tmp_path / "f.json"), "--skip-s", "1500"]
    done = runner.invoke(app, ["evaluate", "beats", str(folder), *options])
    assert done.exit_code == 0, done.output
    result = yaml.safe_load((tmp_path / "f.json").read_text())
    assert result["gross"]["qrs"]["se"] > 99 and result["gross"]["qrs"]["ppv"] > 99
    assert {"se", "ppv"} <= set(result["gross"]["veb"]) and {"se", "ppv"} <= set(result["gross"]["sveb"])
    assert [record["record"] for record in result["records"]] == ["100"]
    assert result["sets"] == {"qrs": ["100"], "veb_sveb": ["100"]}
