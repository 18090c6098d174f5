"""Intake alone: a very small real run, and that its figures fit together."""

import json
from pathlib import Path

import pytest

from ecgstream.bench.intake import run_intake_bench


def test_a_very_small_run_measures_what_it_promises(tmp_path: Path):
    file = tmp_path / "intake.json"
    assert run_intake_bench(beds=4, seconds=3, json_file=file) == 0
    result = json.loads(file.read_text())
    costs = result["cpu_us_per_message"]
    ours = costs["read"] + costs["place"]
    assert min(costs.values()) > 0
    assert result["messages_per_s"] > 0
    assert result["messages_per_core_s"] == pytest.approx(1e6 / ours, rel=1e-2)
    assert result["times_parsing"] == pytest.approx(ours / costs["parse"], rel=2e-2)
    assert result["times_copying"] == pytest.approx(ours / costs["copy"], rel=2e-2)
    assert result["unusual"] <= 2 * 4  # the first of each bed, and nothing after it
