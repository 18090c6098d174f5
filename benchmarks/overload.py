"""Twice as many beds as a daemon can encode, and then few again: what is left out, how late lethal alerts are, memory.

    python benchmarks/overload.py --beds 1200 --afterwards 200 --json overload.json

The daemon, the load generator and the listener are processes of their own on this machine, over ZeroMQ. A lethal
alert's lateness is that of the whole way: from the first sample of what it tells of to its being heard. Latencies of
the beds afterwards mean little: the load generator's second start moves their clocks.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from ecgstream.bench.beds import Listener
from ecgstream.bench.percentiles import percentiles
from ecgstream.bench.results import Heard, samples
from ecgstream.bench.shown import show
from ecgstream.demo.processes import DaemonProcess, start_simulator
from ecgstream.errors import EcgstreamError
from ecgstream.wire.codec import decode

LETHAL_WITHIN_S = 10.0
STEP_S = 1.0
HELD_S = 10
"""What ZeroMQ holds of the one peer that sends all beds, a chunk a second each."""
LONGEST_RECOVERY_S = 90.0


class HeardApart(Heard):
    """Lethal alerts apart, first messages only."""

    def clear(self) -> None:
        """Forget everything heard so far."""
        super().clear()
        self.lethal_s: list[float] = []

    def take(self, payload: bytes, content_type: str) -> None:
        """A diagnosis or an alert, heard now."""
        super().take(payload, content_type)
        if content_type.startswith("application/vnd.ecgstream.alert"):
            alert = decode(payload, content_type)
            if alert.lethal and alert.update == 0 and not alert.escalation:
                self.lethal_s.append(self.alert_s[-1])


class Run:
    """One daemon, and what is seen of it each second."""

    def __init__(self, folder: Path, most_beds: int, bars: Progress):
        settings = {
            "log": {"level": "warning"},
            "intake": {"max_streams": most_beds},
            "source": {"high_water_mark": HELD_S * most_beds},
        }
        self.daemon, self.folder, self.bars = DaemonProcess(folder, settings), folder, bars
        self.seen: list[dict[str, float]] = []

    def play(self, listener: Listener, text: str, beds: int, seconds: float, until_whole: bool = False) -> None:
        """Beds for so long, or until none goes without the encoder any more."""
        load = start_simulator(
            *("load", "--beds", str(beds), "--seconds", str(seconds + 5), "--connect", self.daemon.source),
            log=self.folder / "load.log",
        )
        bar, begun_s = self.bars.add_task(text, total=seconds), time.monotonic()
        try:
            while (passed_s := time.monotonic() - begun_s) < seconds:
                self._step(listener, load)
                self.bars.update(bar, completed=passed_s)
                if until_whole and self.seen[-1]["shed"] == 0 and passed_s > STEP_S:
                    break
        finally:
            load.terminate()
            load.wait()
        self.bars.update(bar, completed=seconds)

    def _step(self, listener: Listener, load: subprocess.Popen[bytes]) -> None:
        if load.poll() is not None:
            raise EcgstreamError(f"The load generator ended early:\n{(self.folder / 'load.log').read_text()[-2000:]}")
        listener.receive_for(STEP_S)
        found = samples(self.daemon.metrics())
        lost = sum(found.get(("ecgstream_intake_total", kind), 0.0) for kind in ("gap", "late"))
        self.seen.append(
            {
                "at_s": round(time.monotonic(), 2),
                "shed": found["ecgstream_beds_shed", ""],
                "rss_mb": round(found["process_resident_memory_bytes", ""] / 1e6, 1),
                "lost_chunks": lost,
            }
        )


def measure(console: Console, beds: int, seconds: float, afterwards: int) -> dict[str, Any]:
    """Figures of too many beds, and of the seconds after."""
    with tempfile.TemporaryDirectory(prefix="ecgstream-overload-") as name, Progress(console=console) as bars:
        run = Run(Path(name), beds, bars)
        run.daemon.start()
        try:
            run.daemon.wait_ready()
            with Listener(run.daemon.sink) as listener:
                listener.heard = heard = HeardApart()
                run.play(listener, f"{beds} beds", beds, seconds)
                over, n_over = _figures(heard), len(run.seen)
                heard.clear()
                begun_s = time.monotonic()
                run.play(listener, f"{afterwards} beds", afterwards, LONGEST_RECOVERY_S, until_whole=True)
                whole_s = time.monotonic() - begun_s
                heard.clear()
                run.play(listener, f"{afterwards} beds, every one with the encoder", afterwards, 15.0)
                after = _figures(heard)
        finally:
            run.daemon.stop()
    third = run.seen[n_over // 3 : n_over]
    return {
        "beds": beds,
        "seconds": seconds,
        "overload": over | {"shed_most": max(one["shed"] for one in run.seen), "lost_chunks": third[-1]["lost_chunks"]},
        "rss_mb_after_a_third": third[0]["rss_mb"],
        "rss_mb_at_the_end": third[-1]["rss_mb"],
        "afterwards": after | {"beds": afterwards, "all_have_the_encoder_after_s": round(whole_s, 1)},
        "seen": run.seen,
    }


def _figures(heard: HeardApart) -> dict[str, Any]:
    said = sum(heard.withheld.values())
    return {
        "diagnosis_s": percentiles(heard.diagnosis_s),
        "lethal_alert_s": percentiles(heard.lethal_s),
        "withheld_for_overload": round(heard.withheld["overload"] / max(said, 1), 4),
        "scored": round(heard.withheld["scored"] / max(said, 1), 4),
    }


def _passed(measured: dict[str, Any]) -> bool:
    over, after = measured["overload"], measured["afterwards"]
    return (
        over["lethal_alert_s"]["count"] > 0
        and over["lethal_alert_s"]["p99"] <= LETHAL_WITHIN_S
        and over["lost_chunks"] == 0
        and measured["rss_mb_at_the_end"] <= 1.1 * measured["rss_mb_after_a_third"]
        and after["scored"] > 0
        and after["withheld_for_overload"] == 0
    )


def _table(measured: dict[str, Any]) -> Table:
    over, after = measured["overload"], measured["afterwards"]
    table = Table(title=f"{measured['beds']} beds, then {after['beds']}", title_style="bold")
    for column in ("what", "overload", "afterwards"):
        table.add_column(column, justify="left" if column == "what" else "right")
    for name in ("diagnosis_s", "lethal_alert_s"):
        for key in ("count", "p50", "p99", "max"):
            table.add_row(f"{name} {key}", str(over[name][key]), str(after[name][key]))
    for name in ("withheld_for_overload", "scored"):
        table.add_row(f"diagnoses {name}, share", str(over[name]), str(after[name]))
    table.add_row("chunks lost", f"{over['lost_chunks']:.0f}", "")
    table.add_row("most beds without the encoder", f"{over['shed_most']:.0f}", "")
    table.add_row("all have the encoder again after, s", "", str(after["all_have_the_encoder_after_s"]))
    table.add_row("memory after a third, at the end, MB", f"{measured['rss_mb_after_a_third']:.0f}", "")
    table.add_row("", f"{measured['rss_mb_at_the_end']:.0f}", "")
    return table


def main(
    beds: Annotated[int, typer.Option(help="twice what this machine carries: ecgstream bench plan")] = 1200,
    afterwards: Annotated[int, typer.Option(help="beds once it is over")] = 200,
    seconds: float = 90.0,
    json: Path | None = None,
) -> None:
    """Overload a daemon; exit code 1 where lethal alerts, memory or recovery miss their mark."""
    raise typer.Exit(show(lambda console: measure(console, beds, seconds, afterwards), _table, json, _passed))


if __name__ == "__main__":
    typer.run(main)
