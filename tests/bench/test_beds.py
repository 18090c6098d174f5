"""The benchmark's own arithmetic, and its machine-readable form from a short real run."""

import json
from pathlib import Path

import pytest

from ecgstream.bench.beds import run_bench
from ecgstream.bench.percentiles import percentiles


def test_percentiles_of_nothing_are_none():
    assert percentiles([]) == {"count": 0, "p50": None, "p99": None, "max": None}


@pytest.mark.parametrize(("values", "p50", "p99"), [([3.0], 3.0, 3.0), ([float(n) for n in range(101)], 50.0, 99.0)])
def test_percentiles_are_of_all_values(values: list[float], p50: float, p99: float):
    found = percentiles(values)
    assert (found["p50"], found["p99"], found["max"]) == (p50, p99, max(values))


def test_a_short_run_measures_what_it_promises(tmp_path: Path):
    file = tmp_path / "bench.json"
    code = run_bench(beds=8, seconds=6, json_file=file)  # whether it keeps up is the machine's to say
    result = json.loads(file.read_text())
    assert (result["beds"], result["kept_up"]) == (8, code == 0)
    assert result["withheld"].keys() <= {"scored", "overload"} and result["withheld"]["scored"] > 0
    assert 0 < result["latency_s"]["p50"] <= result["latency_s"]["p99"]
    rooms = {"conditioning", "rhythm", "diagnosis", "beats", "electrodes", "strips", "alarms"}
    assert {"decode", "intake", *rooms, "heads", "outputs", "shadow", "watch"} == set(result["stages"])
    assert sum(result["stages"].values()) < result["cpu_s_per_bed_s"]
    assert result["rss_bytes_per_bed"] > 0
