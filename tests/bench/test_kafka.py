"""Over Kafka: the search for the most beds, and the machine-readable form from a very short real run."""

import asyncio
import json
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from ecgstream.bench.kafka import Plan, run_kafka_bench
from ecgstream.bench.ward import largest

from ..kafka.brokers import Broker


@pytest.mark.parametrize("fitting", range(11))
def test_the_largest_that_fits_is_found(fitting: int):
    tried: list[int] = []

    def fits(number: int) -> bool:
        tried.append(number)
        return number <= 10 * fitting

    assert largest(range(10, 101, 10), fits) == 10 * fitting
    assert len(tried) == len(set(tried)) <= 5


def test_when_all_fits_only_the_last_is_tried():
    tried: list[int] = []
    assert largest([1, 2, 3], lambda number: not tried.append(number)) == 3
    assert tried == [3]


def test_a_very_short_run_measures_what_it_promises(broker: Broker, tmp_path: Path):
    file, plan = tmp_path / "bench.json", Plan(beds=1, seconds=3, settle_s=1, stored_beds=20, stored_s=60, runs=1)
    before = asyncio.run(_topics(broker.bootstrap))
    assert run_kafka_bench(broker.bootstrap, plan, file) in (0, 1)
    assert asyncio.run(_topics(broker.bootstrap)) == before
    result = json.loads(file.read_text())
    assert result["messages_per_s"] > 0 and result["bare_messages_per_s"] > 0
    assert result["ratio"] == pytest.approx(result["messages_per_s"] / result["bare_messages_per_s"], abs=1e-3)
    assert result["cpu_us_per_message"].keys() == {"bare", "ours"}
    costs = result["cpu_us_per_message"]["ours"]
    assert 0 < costs["decode"] + costs["place"] + costs["hand out"] < costs["all"]
    for name, daemons in (("beds_one", 1), ("beds_two", 2)):
        trials = [trial for trial in result["trials"] if trial["daemons"] == daemons]
        assert all(trial["diagnoses"] > 0 for trial in trials)
        assert result[name] == max((trial["beds"] for trial in trials if trial["kept_up"]), default=0)


def test_a_broker_that_is_not_there_is_said(capsys: pytest.CaptureFixture[str]):
    assert run_kafka_bench("127.0.0.1:1", Plan(beds=1, seconds=5), None) == 2
    assert "127.0.0.1:1" in capsys.readouterr().out


async def _topics(bootstrap: str) -> set[str]:
    """Those of the benchmark."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        return {name for name in await admin.list_topics() if name.startswith("bench-")}
    finally:
        await admin.close()
