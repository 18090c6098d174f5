"""``ecgstream analyse``: whole recordings, as fast as this machine can."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from ..errors import EcgstreamError
from .console import console, print_table, told

if TYPE_CHECKING:
    from ..analysis import Feed


def analyse(
    records: Annotated[list[Path], typer.Argument(metavar="RECORD…", help="Recordings of any format that is known.")],
    out: Annotated[Path, typer.Option(help="Folder for NAME.atr, NAME.json and NAME.html.")] = Path("analysis"),
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all summaries here.")] = None,
    rules_only: Annotated[bool, typer.Option("--rules-only", help="Without the encoder: about twice as fast.")] = False,
) -> None:
    """Run recordings through the daemon's own pipeline: WFDB annotations, a summary and a report of each.

    One that cannot be read is told; the others are analysed, and the exit code is 2.
    """
    with told():
        feeds = _feeds(records)
        summaries = _analyse(feeds, out, rules_only) if feeds else []
    if json_file:
        json_file.write_text(json.dumps(summaries, indent=1))
    raise typer.Exit(0 if len(summaries) == len(records) else 2)


def _feeds(paths: list[Path]) -> dict[Path, Feed]:
    from ..analysis import Feed
    from ..recorded import read_recording

    feeds = {}
    for path in paths:
        try:
            recording = read_recording(path)
            feeds[path] = Feed(recording.name, recording)
        except EcgstreamError as error:
            console.print(f"{path} is left out: {error}", style="red", markup=False, highlight=False)
    return feeds


def _analyse(feeds: dict[Path, Feed], out: Path, rules_only: bool) -> list[dict[str, Any]]:
    from ..analysis.files import analyse_files
    from ..diagnosis.loader import load_model

    begun_s = time.perf_counter()
    model = None if rules_only else load_model(None, "cpu")
    total_s = sum(feed.duration_s for feed in feeds.values())
    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[speed]}"), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        bar, begun_running_s = bars.add_task("analysing", total=total_s, speed=""), time.perf_counter()

        def advance(signal_s: float) -> None:
            bars.advance(bar, signal_s)
            speed = bars.tasks[0].completed / (time.perf_counter() - begun_running_s)
            bars.update(bar, speed=f"{speed:,.0f}× real time")

        summaries = analyse_files(feeds, out, model, advance)
    print_table(_table(summaries))
    spent_s = time.perf_counter() - begun_s
    console.print(f"{total_s / 3600:.2f} h in {spent_s:.1f} s; written to {out}.", highlight=False)
    return summaries


def _table(summaries: list[dict[str, Any]]) -> Table:
    table = Table()
    for name in ("record", "hours", "beats", "rate /min", "V", "S", "AF", "pauses", "lethal"):
        table.add_column(name, justify="left" if name == "record" else "right")
    for summary in summaries:
        rate, beats = summary["heart_rate_bpm"], summary["beats"]
        af = summary["rhythms"]["atrial_fibrillation"]["share"]
        table.add_row(
            summary["record"],
            f"{summary['duration_s'] / 3600:.2f}",
            f"{beats['total']:,}",
            "–" if rate["mean"] is None else f"{rate['least']['bpm']:.0f}–{rate['greatest']['bpm']:.0f}",
            f"{beats['V']:,}",
            f"{beats['S']:,}",
            "–" if af is None else f"{100 * af:.1f} %",
            str(summary["pauses"]["count"]),
            str(sum(alarm["lethal"] for alarm in summary["alarms"])),
        )
    return table
