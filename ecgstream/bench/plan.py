"""``ecgstream bench plan``: about a minute of this machine, then how many beds it carries, how late, and why no more.

Two runs of a real daemon give what a pass costs and what a bed costs on top; what they would come to is then tried.
A bed is 12 leads at 250 Hz in chunks of 1 s, everything on; load generator and listener share the machine, so that what
is found errs on the safe side.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from ..stages import HANDS
from .beds import measure_beds
from .shown import show

FIRST_TRIALS = (60, 240)
FEW_SETTLE_S, MEASURED_S = 6.0, 6.0
"""Few beds have the encoder from the first; thousands that begin together wait for it in turns, ``beds.SETTLE_S``."""
BUSIEST = 0.8
"""Share of the compute thread's second that may be planned with: beds come in waves, and VTs write alerts."""
MEMORY_SHARE = 0.8
IO_STAGES = ("publish", "watch")
"""Stages of the event loop; all others are the compute thread's,"""
SHARED = ("conditioning", "rhythm", "strips", "beats", "electrodes", "diagnosis")
"""but for these, where there is a second core: passes grow until blocks are shared out to threads."""


def run_plan(json_file: Path | None) -> int:
    """Print sentences and write the figures; exit code 2 where the daemon does not come up."""
    return show(plan, lambda found: Text("\n".join(found["sentences"])), json_file)


def plan(console: Console) -> dict[str, Any]:
    """What is planned with, what was tried, and the sentences."""
    trials = [measure_beds(console, beds, MEASURED_S, FEW_SETTLE_S) for beds in FIRST_TRIALS]
    found = foretell(trials, os.cpu_count() or 1, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    trials.append(measure_beds(console, found["beds"], MEASURED_S))
    while not trials[-1]["kept_up"] and trials[-1]["beds"] > FIRST_TRIALS[0]:
        trials.append(measure_beds(console, round(0.8 * trials[-1]["beds"]), MEASURED_S))
    found |= {"foretold_beds": found["beds"], "beds": trials[-1]["beds"], "latency_s": trials[-1]["latency_s"]}
    found |= {"kept_up": trials[-1]["kept_up"], "trials": trials}
    return found | {"sentences": say(found)}


def foretell(trials: Sequence[dict[str, Any]], cores: int, memory_bytes: float) -> dict[str, Any]:
    """Beds by each of the limits, from two trials of few and many beds; the least of them is what is told.

    Cost is taken as a fixed part a second and a part a bed; the compute thread, with more cores than one each of those
    that blocks are shared out to, and the whole process on all cores may be busy for ``BUSIEST`` of a second.
    """
    few, many = trials[0], trials[-1]
    compute, shared = {name for name in many["stages"] if name not in IO_STAGES}, set(SHARED) if cores > 1 else set()
    limits = {
        thread: _beds_until(n * BUSIEST, *((trial["beds"], _spent_s(trial, stages)) for trial in (few, many)))
        for thread, n, stages in (
            ("compute thread", 1, compute - shared),
            (f"{HANDS} threads beside it", HANDS, shared),
        )
        if stages
    }
    limits |= {
        "processor": _beds_until(
            BUSIEST * cores, *((t["beds"], t["beds"] * t["cpu_s_per_bed_s"]) for t in (few, many))
        ),
        "memory": int(MEMORY_SHARE * memory_bytes / max(many["rss_bytes_per_bed"], 1)),
    }
    limit = min(limits, key=lambda name: limits[name])
    stages = {name: many["stages"][name] for name in compute}
    return {
        "beds": max(limits[limit], 1),
        "limit": limit,
        "beds_by_limit": limits,
        "dearest_stage": max(stages, key=lambda name: stages[name]),
        "stage_shares": {name: round(cost / many["cpu_s_per_bed_s"], 3) for name, cost in stages.items()},
        "cores": cores,
    }


def _beds_until(budget_s: float, few: tuple[int, float], many: tuple[int, float]) -> int:
    """Beds at which a cost (s a second) that grows evenly through both points reaches the budget."""
    each_s = max((many[1] - few[1]) / (many[0] - few[0]), 0.5 * many[1] / many[0])
    return int(many[0] + (budget_s - many[1]) / each_s) if many[1] < budget_s else int(many[0] * budget_s / many[1])


def _spent_s(trial: dict[str, Any], stages: set[str]) -> float:
    return trial["beds"] * sum(trial["stages"].get(name, 0.0) for name in stages)


def say(found: dict[str, Any]) -> list[str]:
    """The plan in words."""
    latency, shares = found["latency_s"], found["stage_shares"]
    dearest, by_limit = found["dearest_stage"], found["beds_by_limit"]
    verdict = "was tried and kept up" if found["kept_up"] else "was tried and DID NOT keep up"
    late = (
        "no diagnosis came"
        if latency["p99"] is None
        else (f"half of the diagnoses come within {latency['p50']:.2f} s, 99 of 100 within {latency['p99']:.2f} s")
    )
    sentences = [
        f"This machine ({found['cores']} cores) carries {found['beds']} beds of 12 leads at 250 Hz.",
        f"That {verdict}: {late}.",
        f"What limits it is the {found['limit']}: by it {by_limit[found['limit']]} beds; by the others "
        + ", ".join(f"{name} {beds}" for name, beds in by_limit.items() if name != found["limit"])
        + ".",
        f"The dearest stage is {dearest!r}, {100 * shares[dearest]:.0f} % of the daemon's CPU time.",
    ]
    if found["limit"] == "compute thread":
        sentences.append(
            "The compute thread is one by design: beyond this, run more daemons and share the beds out, by Kafka or by "
            "endpoints."
        )
    return sentences
