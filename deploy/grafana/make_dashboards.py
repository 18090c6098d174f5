"""Writes ``dashboards/*.json`` from ``panels.py``: ``python deploy/grafana/make_dashboards.py`` (extra ``dev``)."""

from __future__ import annotations

import sys
from pathlib import Path

from grafana_foundation_sdk.builders import dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.builders.common import ReduceDataOptions
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import BigValueColorMode
from grafana_foundation_sdk.models.dashboard import DataSourceRef, GridPos, Threshold, ThresholdsMode
from panels import DASHBOARDS, Panel

FOLDER = Path(__file__).parent / "dashboards"
SOURCE = DataSourceRef(type_val="prometheus", uid="prometheus")
COLUMNS = 24


def write(folder: Path = FOLDER) -> None:
    """Every dashboard as JSON."""
    for name, (title, panels) in DASHBOARDS.items():
        built = _dashboard(name, title, panels).build()
        (folder / f"{name}.json").write_text(JSONEncoder(sort_keys=True, indent=1).encode(built) + "\n")


def _dashboard(name: str, title: str, panels: tuple[Panel, ...]) -> dashboard.Dashboard:
    made = dashboard.Dashboard(f"ecgstream: {title}").uid(f"ecgstream-{name}").tags(["ecgstream"])
    made = made.readonly().refresh("5s").time("now-15m", "now").timezone("browser")
    x = y = height = 0
    for place, panel in enumerate(panels, 1):
        size = (4, 4) if panel.number else (12, 8)
        if x + size[0] > COLUMNS or (height and size[1] != height):
            x, y = 0, y + height
        height = size[1]
        made.with_panel(_panel(panel).id(place).grid_pos(GridPos(h=size[1], w=size[0], x=x, y=y)))
        x += size[0]
    return made


def _panel(panel: Panel) -> stat.Panel | timeseries.Panel:
    made = stat.Panel() if panel.number else timeseries.Panel().line_width(1).fill_opacity(5)
    made = made.title(panel.title).description(panel.about).unit(panel.unit).datasource(SOURCE)
    for place, (query, legend) in enumerate(panel.queries):
        target = prometheus.Dataquery().ref_id(chr(ord("A") + place)).expr(query).legend_format(legend)
        made = made.with_target(target.datasource(SOURCE))
    if isinstance(made, stat.Panel):
        made = made.reduce_options(ReduceDataOptions().calcs(["lastNotNull"])).color_mode(BigValueColorMode.BACKGROUND)
        made = made.thresholds(_thresholds(panel))
    return made


def _thresholds(panel: Panel) -> dashboard.ThresholdsConfig:
    good, bad = ("green", "red") if panel.bad is not None else ("blue", "blue")
    steps = [Threshold(color=bad if panel.low_is_bad else good, value=None)]
    if panel.bad is not None:
        steps.append(Threshold(color=good if panel.low_is_bad else bad, value=panel.bad))
    return dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
