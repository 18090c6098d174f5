"""The planner's arithmetic and its sentences; the trials themselves are those of ``ecgstream bench``."""

from __future__ import annotations

from typing import Any

import pytest

from ecgstream.bench.plan import BUSIEST, foretell, say

GB = 2**30


def trial(beds: int, compute_ms: float, all_ms: float, per_bed_bytes: int = 300_000) -> dict[str, Any]:
    """Costs are CPU ms a second, all beds together."""
    stages = {"diagnosis": 0.5 * compute_ms, "rhythm": 0.3 * compute_ms, "outputs": 0.2 * compute_ms, "watch": 0.5}
    return {
        "beds": beds,
        "cpu_s_per_bed_s": all_ms / 1e3 / beds,
        "stages": {name: cost / 1e3 / beds for name, cost in stages.items()},
        "rss_bytes_per_bed": per_bed_bytes,
        "latency_s": {"p50": 0.1, "p99": 0.3},
        "kept_up": True,
    }


def test_a_fixed_cost_and_one_a_bed_reach_the_budget_of_a_thread():
    trials = [trial(60, 50 + 60, 50 + 60), trial(240, 50 + 240, 50 + 240)]
    found = foretell(trials, cores=1, memory_bytes=64 * GB)
    assert found["limit"] == "compute thread" and found["dearest_stage"] == "diagnosis"
    assert found["beds"] == pytest.approx(1e3 * BUSIEST - 50, abs=1)
    found = foretell(trials, cores=8, memory_bytes=64 * GB)
    assert found["beds_by_limit"]["compute thread"] == pytest.approx((1e3 * BUSIEST - 10) / 0.2, abs=1)
    assert found["limit"] == "2 threads beside it"
    assert found["beds"] == pytest.approx((2e3 * BUSIEST - 40) / 0.8, abs=1)


def test_what_is_more_expensive_beside_the_compute_thread_limits_a_single_core():
    found = foretell([trial(60, 60, 120), trial(240, 240, 480)], cores=1, memory_bytes=64 * GB)
    assert (found["limit"], found["beds"]) == ("processor", pytest.approx(1e3 * BUSIEST / 2, abs=1))


def test_little_memory_limits_too():
    found = foretell([trial(60, 60, 90), trial(240, 240, 360)], cores=8, memory_bytes=GB // 10)
    assert (found["limit"], found["beds"]) == ("memory", int(0.8 * (GB // 10) / 300_000))


def test_a_machine_that_is_full_already_is_told_fewer_beds():
    found = foretell([trial(60, 400, 400), trial(240, 1_600, 1_600)], cores=1, memory_bytes=64 * GB)
    assert found["beds"] == pytest.approx(240 * BUSIEST / 1.6, abs=1)


@pytest.mark.parametrize(("kept_up", "word"), [(True, "kept up"), (False, "DID NOT")])
def test_the_sentences_name_beds_latency_and_limit(kept_up: bool, word: str):
    found = foretell([trial(60, 60, 90), trial(240, 240, 360)], cores=4, memory_bytes=64 * GB)
    said = " ".join(say(found | {"latency_s": {"p50": 0.1, "p99": 0.31}, "kept_up": kept_up}))
    assert f"carries {found['beds']} beds" in said and word in said
    assert "0.31 s" in said and "limits it is the 2 threads beside it" in said and "'diagnosis'" in said
