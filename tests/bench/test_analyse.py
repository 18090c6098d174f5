"""Whole recordings against real time: a very small real run, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ecgstream.bench import analyse
from ecgstream.bench.analyse import run_analyse_bench
from ecgstream.recorded import write_recording

from ..analysis.test_run import made_up


def test_a_very_small_run_measures_what_it_promises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(analyse, "MANY", 2)
    assert run_analyse_bench([], 0.02, tmp_path / "analyse.json") == 0
    result = json.loads((tmp_path / "analyse.json").read_text())
    for kind, name, signal_s in (("one", "one_record_x", 72), ("many", "many_records_x", 2 * 9)):
        of = result[kind]
        assert of["signal_s"] == pytest.approx(signal_s)
        assert result[name] == pytest.approx(of["signal_s"] / of["taken_s"], rel=0.01)
        assert 0 < of["reading_s"] < of["taken_s"]


def test_few_leads_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    write_recording(made_up("one", 1).recording, tmp_path / "one.hea")
    assert run_analyse_bench([tmp_path / "one"], 0.02, None) == 2
    assert "has 3 leads" in capsys.readouterr().out
