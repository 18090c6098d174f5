"""What beds cost together: the daemon's CPU and its latency over the number of beds, and the line through them.

    python benchmarks/cost_over_beds.py --json cost.json --picture cost.png

Each number of ``--beds`` is one run of ``ecgstream bench``: 12 leads at 250 Hz, everything on, daemon, load generator
and listener on this machine. The line goes through the runs that kept up; past them beds take turns without the
encoder. Each number of ``--alone`` is the same messages given to the daemon's pipeline in one thread as soon as it is
done with the last: no sockets, nothing left out, and so more beds than a machine carries in real time.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from matplotlib.figure import Figure
from rich.console import Console

from ecgstream.bench.beds import measure_beds
from ecgstream.clock import WallClock
from ecgstream.diagnosis.loader import load_model
from ecgstream.metrics import Metrics
from ecgstream.pipeline import Pipeline
from ecgstream.settings import Settings
from ecgstream.sources.message import Message
from ecgstream.wire import ecgstream_pb2 as pb
from ecgstream.wire.codec import content_type
from simulators.load import Load, heading, payloads

PASSES_A_SECOND = 10
"""As a daemon makes them of messages that come evenly."""
FILLING_S, ALONE_S = 3, 5
KEPT = ("beds", "kept_up", "cpu_s_per_bed_s", "latency_s", "rss_bytes")
BLUE, GREY = "#1d5fa8", "#999999"


def main(
    beds: Annotated[list[int] | None, typer.Option(help="Again for each number; 10 to 1000 by default.")] = None,
    alone: Annotated[list[int] | None, typer.Option(help="Likewise, without sockets; 10 to 5000 by default.")] = None,
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
    by_pipeline = {number: pipeline_s(number) for number in alone or [10, 100, 500, 1000, 2000, 3500, 5000]}
    for number, cost_s in by_pipeline.items():
        typer.echo(f"{number:5d} beds, the pipeline alone: {1e3 * cost_s:.3f} ms a bed-second")
    if json_file:
        found = {"runs": runs, "cpu_s_per_bed_more": slope, "cores_without": base, "pipeline_cpu_s": by_pipeline}
        json_file.write_text(json.dumps(found, indent=1))
    if picture:
        draw(picture, runs, slope, base, by_pipeline)


def pipeline_s(beds: int) -> float:
    """CPU seconds of a bed-second, messages in to messages out."""
    settings, kind = Settings(intake={"max_streams": beds}), content_type(pb.Chunk)
    pipeline = Pipeline(settings, load_model(None, "cpu"), Metrics(), WallClock())
    pipeline.warm_up()
    ready, begun_ns = payloads(Load(beds)), time.time_ns()
    streams = [b"load-%05d" % bed for bed in range(beds)]

    def chunk(bed: int, second: int) -> Message:
        loop, now_ns = ready[bed % len(ready)], begun_ns + second * 10**9
        return Message(heading(streams[bed], second, now_ns) + loop[(second + 7 * bed) % len(loop)], kind, now_ns)

    spent_s = 0.0
    for second in range(FILLING_S + ALONE_S):
        for part in np.array_split(np.arange(beds), PASSES_A_SECOND):
            messages = [chunk(bed, second) for bed in part]
            before_s = time.process_time()
            pipeline.process(messages)
            spent_s += (time.process_time() - before_s) * (second >= FILLING_S)
    return spent_s / (beds * ALONE_S)


def line(runs: list[dict[str, Any]]) -> tuple[float, float]:
    """Slope and height at no beds of the cores taken by the runs that kept up; each weighs as its share is exact."""
    kept = [run for run in runs if run["kept_up"]]
    beds = np.array([run["beds"] for run in kept])
    cores = beds * [run["cpu_s_per_bed_s"] for run in kept]
    slope, base = np.polyfit(beds, cores, 1, w=1 / cores)
    return float(slope), float(base)


def draw(path: Path, runs: list[dict[str, Any]], slope: float, base: float, alone: dict[int, float]) -> None:
    """Cores over beds, and below it latency; runs that fell behind are hollow."""
    figure = Figure(figsize=(6, 5), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    most = max(run["beds"] for run in runs)
    above.plot([0, most], [base, base + slope * most], color=BLUE, label=f"{1e3 * slope:.2f} ms a bed-second")
    cores = [beds * cost_s for beds, cost_s in alone.items()]
    above.plot([*alone], cores, "s-", color=GREY, label="the pipeline alone, one thread")
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
