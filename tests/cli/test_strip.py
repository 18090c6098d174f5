"""``ecgstream strip``: an alert in, a picture out, or a sentence."""

from pathlib import Path

import pytest
from google.protobuf import json_format
from typer.testing import CliRunner

from ecgstream.cli import app

from ..alert_strips.test_draw import alert


def run(*arguments: str, stdin: bytes | None = None):
    return CliRunner().invoke(app, ["strip", *arguments], input=stdin)


@pytest.mark.parametrize("form", ["protobuf", "json", "stdin"])
def test_a_saved_alert_becomes_a_picture(tmp_path: Path, form: str):
    said, saved, out = alert(1), tmp_path / "alert", tmp_path / "strip.svg"
    payload = json_format.MessageToJson(said).encode() if form == "json" else said.SerializeToString()
    saved.write_bytes(payload)
    answer = run("-" if form == "stdin" else str(saved), "--out", str(out), stdin=payload if form == "stdin" else None)
    assert answer.exit_code == 0, answer.output
    assert "Ventricular tachycardia" in out.read_text() and "strip.svg" in answer.output.replace("\n", "")


@pytest.mark.parametrize(
    ("content", "out", "sentence"),
    [
        (b"\xff\xff", "a.svg", "not a protobuf alert"),
        (b"{", "a.svg", "not the JSON"),
        (None, "a.svg", "check its path"),
        (alert().SerializeToString(), "a.pdf", "must end in .svg or .png"),
        (alert().SerializeToString(), "nowhere/a.svg", "cannot be written"),
    ],
)
def test_what_cannot_be_drawn_is_told_in_a_sentence(tmp_path: Path, content, out, sentence):
    saved = tmp_path / "alert.pb"
    if content is not None:
        saved.write_bytes(content)
    answer = run(str(saved), "--out", str(tmp_path / out))
    assert answer.exit_code == 2 and sentence in answer.output.replace("\n", " ")


def test_an_alert_without_a_strip_is_told(tmp_path: Path):
    said = alert()
    said.ClearField("strip")
    (tmp_path / "alert.pb").write_bytes(said.SerializeToString())
    answer = run(str(tmp_path / "alert.pb"), "--out", str(tmp_path / "a.png"))
    assert answer.exit_code == 2 and "brings no strip" in answer.output
