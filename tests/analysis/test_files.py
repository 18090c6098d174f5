"""What is written of a recording: annotations that wfdb reads, a summary, a page; and what stands in the way."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import wfdb
from typer.testing import CliRunner

from ecgstream.cli import app
from ecgstream.recorded import write_recording

from .test_run import made_up


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two recordings and what the command wrote of them."""
    folder = tmp_path_factory.mktemp("analyse")
    for name, seed in (("one", 1), ("two", 2)):
        write_recording(made_up(name, seed).recording, folder / f"{name}.hea")
    paths = [str(folder / "one"), str(folder / "absent"), str(folder / "two.hea")]
    options = ["--out", str(folder / "out"), "--json", str(folder / "all.json"), "--rules-only"]
    done = CliRunner().invoke(app, ["analyse", *paths, *options])
    assert done.exit_code == 2 and "absent is left out" in done.output
    return folder


def test_annotations_are_those_of_the_summary(folder: Path):
    summary = json.loads((folder / "out" / "one.json").read_text())
    read = wfdb.rdann(str(folder / "out" / "one"), "atr")
    symbols = np.array(read.symbol)
    assert read.fs == 250 and (np.diff(read.sample) >= 0).all()
    assert {name: int((symbols == name).sum()) for name in "NSVF"} == {name: summary["beats"][name] for name in "NSVF"}
    notes = [note.rstrip("\0") for note in read.aux_note if note]
    assert len(notes) == int((symbols == "+").sum()) and {"(VFIB", "(ASYS"} <= set(notes)


def test_the_summary_tells_what_was_played(folder: Path):
    one, two = json.loads((folder / "all.json").read_text())
    assert (one["record"], two["record"]) == ("one", "two")
    assert one["duration_s"] == 72 and one["leads"][:2] == ["I", "II"]
    assert one["rhythms"]["asystole"]["count"] >= 2 and one["rhythms"]["ventricular_fibrillation"]["count"] >= 2
    told = {alarm["condition"] for alarm in one["alarms"] if alarm["lethal"]}
    assert {"asystole", "ventricular_fibrillation"} <= told
    assert 60 < one["heart_rate_bpm"]["mean"] < 130 and one["judged_share"] > 0.8


def test_the_page_shows_trends_tables_and_strips(folder: Path):
    page = (folder / "out" / "one.html").read_text()
    assert "Longest asystole" in page and "Not a medical device" in page and page.count('class="strip"') >= 4
    trends = page[page.index('<div class="trends">') + 20 :]
    assert len(list(ElementTree.fromstring(trends[: trends.index("</svg>") + 6]).iter())) > 100


def test_the_recordings_own_annotations_are_not_written_over(folder: Path):
    (folder / "one.atr").write_bytes(b"reference")
    done = CliRunner().invoke(app, ["analyse", str(folder / "one"), "--out", str(folder), "--rules-only"])
    assert done.exit_code == 2 and "may be the reference" in " ".join(done.output.split())
    assert (folder / "one.atr").read_bytes() == b"reference"


def test_two_of_one_name_are_refused(folder: Path):
    done = CliRunner().invoke(app, ["analyse", str(folder / "one"), str(folder / "one.hea"), "--rules-only"])
    assert done.exit_code == 2 and "recording is named one" in " ".join(done.output.split())
