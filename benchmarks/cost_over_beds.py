"""What beds cost together: the daemon's CPU and its latency over the number of beds, and the line through them.

    python benchmarks/cost_over_beds.py --json cost.json --picture cost.png

Each number of beds is one run of ``ecgstream bench``: 12 leads at 250 Hz, everything on, daemon, load generator and
listener on this machine. The line goes through the runs that kept up; past them beds take turns without the encoder.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from matplotlib.figure import Figure
from rich.console import Console

from ecgstream.bench.beds import measure_beds

KEPT = ("beds", "kept_up", "cpu_s_per_bed_s", "latency_s", "rss_bytes")
BLUE, GREY = "#1d5fa8", "#999999"


def main(
    beds: Annotated[list[int] | None, typer.Option(help="Again for each number; 10 to 1000 by default.")] = None,
    seconds: Annotated[float, typer.Option(help="Measured of each run.")] = 10.0,
    json_file: Annotated[Path | None, typer.Option("--json")] = None,
    picture: Annotated[Path | None, typer.Option(help="PNG or SVG.")] = None,
) -> None:
    """Print a line a run, and what a bed more costs."""
    console, runs = Console(stderr=True), []
    for number in beds or [10, 30, 100, 200, 300, 400, 500, 600, 800, 1000]:
        found = measure_beds(console, number, seconds)
        runs.append({name: found[name] for name in KEPT})
        cost_s, verdict = found["cpu_s_per_bed_s"], "kept up" if found["kept_up"] else "fell behind"
        typer.echo(
            f"{number:5d} beds: {number * cost_s:.3f} cores, {1e3 * cost_s:.2f} ms a bed-second, "
            f"p99 {found['latency_s']['p99']:.2f} s, {verdict}"
        )
    slope, base = line(runs)
    typer.echo(f"{1e3 * slope:.2f} ms a second for a bed more, {base:.3f} cores without any")
    if json_file:
        json_file.write_text(json.dumps({"runs": runs, "cpu_s_per_bed_more": slope, "cores_without": base}, indent=1))
    if picture:
        draw(picture, runs, slope, base)


def line(runs: list[dict[str, Any]]) -> tuple[float, float]:
    """Slope and height at no beds of the cores taken by the runs that kept up; each weighs as its share is exact."""
    kept = [run for run in runs if run["kept_up"]]
    beds = np.array([run["beds"] for run in kept])
    cores = beds * [run["cpu_s_per_bed_s"] for run in kept]
    slope, base = np.polyfit(beds, cores, 1, w=1 / cores)
    return float(slope), float(base)


def draw(path: Path, runs: list[dict[str, Any]], slope: float, base: float) -> None:
    """Cores over beds, and below it latency; runs that fell behind are hollow."""
    figure = Figure(figsize=(6, 5), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    most = max(run["beds"] for run in runs)
    above.plot([0, most], [base, base + slope * most], color=GREY, label=f"{1e3 * slope:.2f} ms a bed-second")
    for run in runs:
        filled = BLUE if run["kept_up"] else "none"
        above.plot(run["beds"], run["beds"] * run["cpu_s_per_bed_s"], "o", color=BLUE, markerfacecolor=filled)
        for name, mark in (("p50", "_"), ("p99", "o")):
            below.plot(run["beds"], run["latency_s"][name], mark, color=BLUE, markerfacecolor=filled)
    above.set(ylabel="cores", ylim=(0, None), xlim=(0, None))
    above.legend(frameon=False)
    below.set(xlabel="beds, 12 leads at 250 Hz", ylabel="latency, s (dash p50, dot p99)", ylim=(0, None))
    for axes in (above, below):
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    typer.run(main)
