"""``ecgstream bench --transport kafka``: messages/s against the bare consumer, and beds with one and two daemons.

Broker, load generator, daemons and listener share this machine.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from ..demo.processes import start_simulator
from ..errors import EcgstreamError
from .shown import Measured, show
from .topics import Flags, fresh_topics
from .ward import largest, run_ward

READERS = ("bare", "ours")
LONGEST_RUN_S = 300.0
SETTLE_S = 25.0
"""The encoders' memory is full, and what waited while all beds began at once is worked off."""
STEPS = 10
"""Beds are tried in so many steps up to the most."""


@dataclass(frozen=True)
class Plan:
    """How much of each. ``beds``: most that are tried; ``seconds``: measured of each trial, after ``settle_s``."""

    beds: int
    seconds: float
    settle_s: float = SETTLE_S
    stored_beds: int = 500
    stored_s: int = 120
    runs: int = 5

    @property
    def messages(self) -> int:
        """In the topic that is read, each one second of twelve leads at 250 Hz."""
        return self.stored_beds * self.stored_s


def run_kafka_bench(bootstrap: str, plan: Plan, json_file: Path | None) -> int:
    """Print and write the figures; exit code 1 if daemons did not keep up with the fewest beds tried, 2 on a fault."""

    def measure(console: Console) -> Measured:
        with Progress(console=console) as bars:
            found, trials = _throughput(bootstrap, plan, bars), []
            for name, daemons in (("beds_one", 1), ("beds_two", 2)):
                found[name] = _most_beds(bootstrap, plan, daemons, trials, bars)
        return found | {"trial_s": plan.settle_s + plan.seconds, "trials": trials}

    return show(measure, _table, json_file, passed=lambda found: bool(found["beds_one"] and found["beds_two"]))


# -------------------------------------------------------------------------------------------------- messages a second


def _throughput(bootstrap: str, plan: Plan, bars: Progress) -> dict[str, Any]:
    """Both readers in turn over the same topic; medians of their runs."""
    with fresh_topics(bootstrap) as flags, tempfile.TemporaryDirectory(prefix="ecgstream-bench-") as folder:
        bar = bars.add_task(f"writing {plan.messages} messages", total=None)
        _fill(bootstrap, flags, plan, Path(folder) / "load.log")
        bars.update(bar, description="reading them, bare and ours in turn", total=len(READERS) * plan.runs)
        runs: dict[str, list[dict[str, Any]]] = {reader: [] for reader in READERS}
        for number in range(plan.runs):
            for reader in READERS:
                of_its_own = flags | {"kafka.group": f"{flags['kafka.group']}-{reader}-{number}"}
                runs[reader].append(_read(reader, of_its_own, plan))
                bars.advance(bar)
    rates = {reader: [run["messages_per_s"] for run in done] for reader, done in runs.items()}
    ours, bare = median(rates["ours"]), median(rates["bare"])
    return {
        "messages_per_s": round(ours),
        "bare_messages_per_s": round(bare),
        "ratio": round(ours / bare, 3),
        "messages": plan.messages,
        "runs": {reader: [round(rate) for rate in rates[reader]] for reader in READERS},
        "cpu_us_per_message": {reader: _median_costs(runs[reader]) for reader in READERS},
    }


def _fill(bootstrap: str, flags: Flags, plan: Plan, log: Path) -> None:
    url = f"kafka://{bootstrap}/{flags['kafka.topics.chunks']}"
    amount = "--beds", str(plan.stored_beds), "--seconds", str(plan.stored_s)
    load = start_simulator("load", *amount, "--speed", "max", "--to", url, log=log)
    try:
        code = load.wait(LONGEST_RUN_S)
    except subprocess.TimeoutExpired:
        code = None
    finally:
        load.kill()
        load.wait()
    if code != 0:
        raise EcgstreamError(f"The load generator did not fill the topic:\n{log.read_text()[-2000:]}")


def _read(reader: str, flags: Flags, plan: Plan) -> dict[str, Any]:
    command = [sys.executable, "-m", "ecgstream.bench.reading", reader, json.dumps(flags), str(plan.messages)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST_RUN_S, check=True)
    except subprocess.TimeoutExpired as error:
        raise EcgstreamError(
            f"Reader {reader!r} found no {plan.messages} messages in {LONGEST_RUN_S:.0f} s."
        ) from error
    except subprocess.CalledProcessError as error:
        raise EcgstreamError(f"Reader {reader!r} failed:\n{error.stderr[-2000:]}") from error
    return json.loads(done.stdout.splitlines()[-1])


def _median_costs(runs: list[dict[str, Any]]) -> dict[str, float]:
    costs = [run["cpu_us_per_message"] for run in runs]
    return {part: round(median(cost[part] for cost in costs), 1) for part in costs[0]}


# ---------------------------------------------------------------------------------------------------------------- beds


def _most_beds(bootstrap: str, plan: Plan, daemons: int, trials: list[dict[str, Any]], bars: Progress) -> int:
    """The most beds so many daemons keep up with, everything on; each trial is noted."""

    def keeps_up(beds: int) -> bool:
        trials.append(_trial(bootstrap, plan, daemons, beds, bars))
        return trials[-1]["kept_up"]

    return largest(sorted({math.ceil(plan.beds * step / STEPS) for step in range(1, STEPS + 1)}), keeps_up)


def _trial(bootstrap: str, plan: Plan, daemons: int, beds: int, bars: Progress) -> dict[str, Any]:
    name = f"{daemons} daemon{'s' * (daemons > 1)}, {beds} beds"
    bar = bars.add_task(name, total=plan.settle_s + plan.seconds)
    with fresh_topics(bootstrap) as flags, tempfile.TemporaryDirectory(prefix="ecgstream-bench-") as folder:
        measured = run_ward(
            flags, daemons, beds, plan.settle_s, plan.seconds, Path(folder), lambda s: bars.update(bar, completed=s)
        )
    verdict = "kept up" if measured["kept_up"] else "fell behind"
    bars.update(bar, description=f"{name}: {verdict}")
    return measured


def _table(found: dict[str, Any]) -> Table:
    table = Table(title="ecgstream on Kafka", title_style="bold")
    table.add_column("what")
    table.add_column("value", justify="right")
    table.add_row("messages/s: source, decoding, arena, commit", f"{found['messages_per_s']:,}")
    table.add_row("messages/s: bare consumer", f"{found['bare_messages_per_s']:,}")
    table.add_row("ratio", f"{found['ratio']:.2f}")
    for reader, costs in found["cpu_us_per_message"].items():
        for part, cost_us in costs.items():
            table.add_row(f"CPU µs per message, {reader}: {part}", f"{cost_us:.1f}")
    for trial in found["trials"]:
        p99_s = trial["latency_s"]["p99"]
        late = "no diagnosis" if p99_s is None else f"p99 {p99_s:.2f} s"
        verdict = "kept up" if trial["kept_up"] else "fell behind"
        table.add_row(f"{trial['daemons']} × daemon, {trial['beds']} beds", f"{late}, {verdict}")
    table.add_row("beds, one daemon", str(found["beds_one"]))
    table.add_row("beds, two daemons", str(found["beds_two"]))
    return table
