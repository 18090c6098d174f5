"""Dashboards: what is said of them is what lies there, Grafana's own types read them, their queries find something."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.models.dashboard import Dashboard
from prometheus_client.metrics_core import Metric

from .conftest import ROOT
from .queries import faults
from .test_prometheus import RECORDED

GRAFANA = ROOT / "deploy" / "grafana"
DASHBOARDS = sorted((GRAFANA / "dashboards").glob("*.json"))


def test_the_dashboards_are_those_that_are_described(tmp_path: Path):
    spec = importlib.util.spec_from_file_location("make_dashboards", GRAFANA / "make_dashboards.py")
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(GRAFANA)
        patch.setitem(sys.modules, "make_dashboards", module)
        spec.loader.exec_module(module)
        module.write(tmp_path)
    assert {path.name for path in DASHBOARDS} == {path.name for path in tmp_path.iterdir()}
    for path in DASHBOARDS:
        assert path.read_text() == (tmp_path / path.name).read_text(), f"run make_dashboards.py: {path.name}"


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_grafanas_types_read_it_and_panels_do_not_overlap(path: Path):
    read = Dashboard.from_json(json.loads(path.read_text()))
    assert read.uid == f"ecgstream-{path.stem}" and read.panels
    taken: set[tuple[int, int]] = set()
    for panel in read.panels:
        at = panel.grid_pos
        cells = {(at.x + x, at.y + y) for x in range(at.w) for y in range(at.h)}
        assert not cells & taken and at.x + at.w <= 24, panel.title
        taken |= cells


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_every_query_asks_for_what_a_running_daemon_exposes(path: Path, exposed: dict[str, Metric]):
    panels: list[dict[str, Any]] = json.loads(path.read_text())["panels"]
    queries = [target["expr"] for panel in panels for target in panel["targets"]]
    assert {query: found for query in queries if (found := faults(query, exposed, RECORDED))} == {}
    sources = yaml.safe_load((GRAFANA / "provisioning/datasources/prometheus.yaml").read_text())["datasources"]
    assert {panel["datasource"]["uid"] for panel in panels} == {source["uid"] for source in sources}
