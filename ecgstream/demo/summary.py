"""What the simulator played against what was alerted."""

from __future__ import annotations

from typing import Any

from rich.table import Table
from rich.text import Text

from .board import Board

EQUIVALENT = {
    "ventricular_tachycardia": {"ventricular_tachycardia", "ventricular_fibrillation"},
    "ventricular_fibrillation": {"ventricular_tachycardia", "ventricular_fibrillation"},
}
"""Any lethal ventricular alarm counts for VT, flutter and VF."""
LETHAL_BUDGET_S, OTHER_BUDGET_S = 10.0, 60.0
"""IEC 60601-2-27: cardiac standstill and rate alarms within 10 s of onset. Atrial fibrillation takes half a minute."""


def summarise(truth: list[dict[str, Any]], board: Board, played_s: float) -> dict[str, Any]:
    """Per bed what was played, what was alerted and how long after onset; ``missed_lethal`` counts the failures.

    An episode whose time to be alerted had not run out when the demo ended is ``unfinished`` unless it was alerted.
    """
    beds = [_bed(bed, board, played_s) for bed in truth]
    missed = sum(e["outcome"] == "missed" and e["lethal"] for bed in beds for e in bed["played"])
    return {"seconds": played_s, "missed_lethal": missed, "beds": beds}


def _bed(bed: dict[str, Any], board: Board, played_s: float) -> dict[str, Any]:
    alerts = board.beds[bed["stream_id"]].log if bed["stream_id"] in board.beds else []
    played = [_episode(episode, alerts, played_s) for episode in bed["episodes"] if episode["start_s"] < played_s]
    return {
        "stream_id": bed["stream_id"],
        "leads": bed["leads"],
        "fs_hz": bed["fs_hz"],
        "played": played,
        "alerts": alerts,
    }


def _episode(episode: dict[str, Any], alerts: list[dict[str, Any]], played_s: float) -> dict[str, Any]:
    start_s, condition = episode["start_s"], episode["condition"]
    accepted = EQUIVALENT.get(condition, {condition})
    times = [
        alert["decided_s"]
        for alert in alerts
        if alert["condition"] in accepted
        and alert["state"] == "active"
        and start_s <= alert["decided_s"] <= episode["stop_s"] + LETHAL_BUDGET_S
    ]
    delay_s = round(min(times) - start_s, 2) if times else None
    return {**episode, "delay_s": delay_s, "outcome": _outcome(episode, delay_s, played_s)}


def _outcome(episode: dict[str, Any], delay_s: float | None, played_s: float) -> str:
    if episode["condition"] is None:
        return "nothing to alert"
    if delay_s is not None:
        return "alerted"
    budget_s = LETHAL_BUDGET_S if episode["lethal"] else OTHER_BUDGET_S
    return "missed" if played_s >= episode["start_s"] + budget_s else "unfinished"


def table(summary: dict[str, Any]) -> Table:
    """The summary, one line an episode."""
    title = f"{summary['seconds']:.0f} s played · {summary['missed_lethal']} lethal missed"
    drawn = Table(title=title, title_style="bold")
    for name, width in (("bed", 6), ("played", 12), ("seconds", 7), ("alerted", 7), ("delay", 6), ("other alarms", 12)):
        drawn.add_column(name, min_width=width)  # that of a long word
    for bed in summary["beds"]:
        wanted = {e["condition"] for e in bed["played"]}
        others = sorted({a["condition"] for a in bed["alerts"]} - wanted)
        for i, episode in enumerate(bed["played"]):
            first, last = (bed["stream_id"], ", ".join(others).replace("_", " ")) if i == 0 else ("", "")
            drawn.add_row(first, *_episode_cells(episode), last)
    return drawn


def _episode_cells(episode: dict[str, Any]) -> tuple[str | Text, ...]:
    style = {"alerted": "green", "missed": "bold red"}.get(episode["outcome"], "dim")
    delay = "" if episode["delay_s"] is None else f"{episode['delay_s']:.1f} s"
    span = f"{episode['start_s']:.0f}–{episode['stop_s']:.0f}"
    return episode["name"].replace("_", " "), span, Text(episode["outcome"], style=style), delay
