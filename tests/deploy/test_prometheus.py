"""Alert rules: they fire when they must and not else, ask for what there is, and each has its page in the runbook."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml
from prometheus_client.metrics_core import Metric

from .conftest import ROOT
from .queries import faults

PROMETHEUS = ROOT / "deploy" / "prometheus"
RULES: list[dict[str, Any]] = [
    rule for group in yaml.safe_load((PROMETHEUS / "rules.yaml").read_text())["groups"] for rule in group["rules"]
]
ALERTS = [rule for rule in RULES if "alert" in rule]
RECORDED = {rule["record"] for rule in RULES if "record" in rule}
TESTS = sorted(PROMETHEUS.glob("*.test.yaml"))


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    if not shutil.which("promtool"):
        pytest.skip("promtool is not here: Debian's package prometheus has it")
    return subprocess.run(["promtool", *arguments], capture_output=True, text=True, cwd=PROMETHEUS)


def test_rules_are_valid_to_prometheus():
    told = promtool("check", "rules", "rules.yaml")
    assert told.returncode == 0, told.stdout + told.stderr
    assert f"{len(RULES)} rules found" in told.stdout


@pytest.mark.parametrize("played", TESTS, ids=lambda path: path.stem)
def test_rules_fire_when_they_must_and_not_else(played):
    told = promtool("test", "rules", played.name)
    assert told.returncode == 0, told.stdout + told.stderr


def test_every_alert_is_seen_firing_in_the_tests():
    tests = [test for path in TESTS for test in yaml.safe_load(path.read_text())["tests"]]
    fired = {
        expected["alertname"]
        for test in tests
        for expected in test.get("alert_rule_test", ())
        if expected["exp_alerts"]
    }
    assert fired == {alert["alert"] for alert in ALERTS}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.get("alert") or rule["record"])
def test_rules_ask_for_what_a_running_daemon_exposes(rule: dict[str, Any], exposed: dict[str, Metric]):
    assert faults(rule["expr"], exposed, RECORDED) == []


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("sum(rate(ecgstream_no_such_total[1m]))", "no metric ecgstream_no_such_total"),
        ('1 - ecgstream_streams{bed="1"} offset 1w', "ecgstream_streams has no label bed"),
        (
            "histogram_quantile(0.9, sum by (le) (rate(ecgstream_latency_seconds[1m])))",
            "no metric ecgstream_latency_seconds",
        ),
    ],
)
def test_a_query_for_what_is_not_there_is_found(query: str, fault: str, exposed: dict[str, Metric]):
    assert faults(query, exposed) == [fault]


def test_every_alert_has_its_page_in_the_runbook_and_no_page_is_without():
    pages = re.findall(r"^### (\w+)$", (ROOT / "docs" / "runbook.md").read_text(), re.MULTILINE)
    assert pages == [alert["alert"] for alert in ALERTS]
    for alert in ALERTS:
        assert alert["annotations"]["runbook_url"] == f"docs/runbook.md#{alert['alert'].lower()}"
        assert alert["labels"]["severity"] in ("critical", "warning", "info")
        page = (ROOT / "docs" / "runbook.md").read_text().split(f"### {alert['alert']}\n")[1]
        assert page.startswith(f"*{alert['labels']['severity']}.*"), alert["alert"]


def test_compose_loads_the_rules():
    configured = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())
    assert configured["rule_files"] == ["rules.yaml"]
    service = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())["services"]["prometheus"]
    assert "./prometheus/rules.yaml:/etc/prometheus/rules.yaml:ro" in service["volumes"]
