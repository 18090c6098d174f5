"""The report on one recording as one HTML file that needs no other: figures, trends, and the strips to look at."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from importlib.metadata import version
from typing import Any

import numpy as np
from rich.table import Table

from ..diagnosis import CLASSES
from ..evaluation.cases import Case, Lane, Note, Trace, clock
from ..evaluation.paper import MM_PER_MV, MM_PER_S, PAPER, draw_case
from ..evaluation.paper import STYLE as PAPER_STYLE
from ..evaluation.report import STYLE, html_table
from ..waveform import GRID_HZ, LEADS, GroupKind
from ..wire.leads import lead_name
from .findings import Findings
from .trends import draw_trends

SHOWN_S = 10.0
MOST_STRIPS = 14
PREFERRED = ("II", "V1", "V5", "I")
MOST_ALARMS = 60


def html_report(found: Findings, summary: dict[str, Any]) -> str:
    """The page; it names the recording as its file does, and no patient."""
    strips = "".join(
        f"<section><h3>{escape(case.title)}</h3>{draw_case(case)}</section>" for case in _cases(found, summary)
    )
    tables = "".join(f"<h2>{escape(str(table.title))}</h2>{_untitled(table)}" for table in tables_of(summary))
    shown = figures_of(summary).items()
    figures = "".join(f"<div>{escape(name)}<b>{escape(value)}</b></div>" for name, value in shown)
    channels = summary["channels"]
    said = (
        f"{summary['duration_s'] / 3600:.2f} h, {len(channels)} channels ({', '.join(channels)}), "
        f"{summary['fs_hz']:g} Hz. Encoder: {summary['model'] or 'none; rules alone'}."
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(found.name)}</title>'
        f"<style>{STYLE}{PAPER_STYLE}.trends svg{{max-width:100%;height:auto}}</style>{PAPER}"
        f'<h1>{escape(found.name)}</h1><p class="said">{escape(said)}</p><div class="figures">{figures}</div>'
        f'<div class="trends">{draw_trends(found)}</div>{tables}'
        f"<h2>Strips</h2><p>{MM_PER_S:g} mm/s, {MM_PER_MV:g} mm/mV, as recorded; above, beats by class.</p>{strips}"
        f"<footer>ecgstream {version('ecgstream')}. Not a medical device; not for diagnosis.</footer>\n"
    )


def figures_of(summary: dict[str, Any]) -> dict[str, str]:
    """What is seen first."""
    rate, beats = summary["heart_rate_bpm"], summary["beats"]
    shown = {"judged": _percent(summary["judged_share"]), "beats": f"{beats['total']:,}"}
    for key in ("least", "mean", "greatest"):
        value = rate[key]["bpm"] if isinstance(rate[key], dict) else rate[key]
        shown[f"{key} rate"] = "–" if value is None else f"{value:.0f} /min"
    shown["ventricular"] = f"{beats['V']:,} ({_percent(summary['ventricular']['share'])})"
    shown["supraventricular"] = f"{beats['S']:,} ({_percent(summary['supraventricular']['share'])})"
    shown["AF burden"] = _percent(summary["rhythms"]["atrial_fibrillation"]["share"])
    shown["pauses above 2 s"] = str(summary["pauses"]["count"])
    shown["lethal alarms"] = str(sum(alarm["lethal"] for alarm in summary["alarms"]))
    return shown


def tables_of(summary: dict[str, Any]) -> list[Table]:
    """By hour; runs and episodes; alarms; quality."""
    return [_hours(summary), _episodes(summary), _alarms(summary), _quality(summary)]


def _hours(summary: dict[str, Any]) -> Table:
    table = _table("Hour by hour", "from", "least", "mean", "greatest", *CLASSES)
    for hour in summary["heart_rate_bpm"]["by_hour"]:
        rates = ["–" if hour[key] is None else f"{hour[key]:.0f}" for key in ("least", "mean", "greatest")]
        table.add_row(_clock(hour["from_s"]), *rates, *(f"{hour['beats'][name]:,}" for name in CLASSES))
    return table


def _episodes(summary: dict[str, Any]) -> Table:
    table = _table("Runs, pauses and episodes", "what", "count", "longest", "at", "rate there", "in all")
    rows: list[tuple[str, dict[str, Any], dict[str, Any] | None]] = []
    for kind in ("ventricular", "supraventricular"):
        rows.append((f"{kind} runs of 3 and more", summary[kind]["runs"], summary[kind]["longest_run"]))
    longest = max(summary["pauses"]["listed"], key=lambda span: span["length_s"], default=None)
    rows.append(("pauses above 2 s", summary["pauses"], longest))
    rows += [(name.replace("_", " "), of, of["longest"]) for name, of in summary["rhythms"].items()]
    for name, of, span in rows:
        where = (
            ("–", "–", "–") if span is None else (_seconds(span["length_s"]), _clock(span["at_s"]), _rate(span["bpm"]))
        )
        table.add_row(name, str(of["count"]), *where, _seconds(of["total_s"]) if "total_s" in of else "")
    for kind in ("ventricular", "supraventricular"):
        table.add_row(f"{kind} couplets", str(summary[kind]["couplets"]), "", "", "", "")
    return table


def _alarms(summary: dict[str, Any]) -> Table:
    alarms = summary["alarms"]
    left_out = f", the first {MOST_ALARMS}" if len(alarms) > MOST_ALARMS else ""
    table = _table(f"Alarms: {len(alarms)}{left_out}", "onset", "told", "condition", "priority", "source", "text")
    for alarm in alarms[:MOST_ALARMS]:
        times = _clock(alarm["onset_s"]), _clock(alarm["told_s"])
        table.add_row(*times, alarm["condition"].replace("_", " "), alarm["priority"], alarm["source"], alarm["text"])
    return table


def _quality(summary: dict[str, Any]) -> Table:
    table = _table("Signal quality", "lead", "usable")
    for lead, share in summary["quality"]["lead_usable_share"].items():
        table.add_row(lead, _percent(share))
    for reason, seconds in summary["quality"]["not_judged_s"].items():
        table.add_row(f"not judged: {reason.replace('_', ' ')}", _seconds(seconds))
    return table


# -------------------------------------------------------------------------------------------------------------- strips


def _cases(found: Findings, summary: dict[str, Any]) -> Iterator[Case]:
    """Each place once, the gravest first."""
    shown: list[float] = []
    for title, at_s in _places(summary):
        if len(shown) < MOST_STRIPS and all(abs(at_s - other) > SHOWN_S / 2 for other in shown):
            shown.append(at_s)
            yield _case(found, f"{title}, {_clock(at_s)}", at_s)


def _places(summary: dict[str, Any]) -> Iterator[tuple[str, float]]:
    for name, of in summary["rhythms"].items():
        if of["longest"]:
            yield f"Longest {name.replace('_', ' ')}: {_seconds(of['longest']['length_s'])}", of["longest"]["at_s"]
    for kind in ("ventricular", "supraventricular"):
        for which in ("longest", "fastest"):
            if run := summary[kind][f"{which}_run"]:
                yield f"{which.capitalize()} {kind} run: {run['beats']} beats, {_rate(run['bpm'])}", run["at_s"]
    if pauses := summary["pauses"]["listed"]:
        longest = max(pauses, key=lambda span: span["length_s"])
        yield f"Longest pause: {_seconds(longest['length_s'])}", longest["at_s"]
    for name, key in (("Slowest", "least"), ("Fastest", "greatest")):
        if extreme := summary["heart_rate_bpm"][key]:
            yield f"{name} rate: {_rate(extreme['bpm'])}", extreme["at_s"] - 4
    for alarm in summary["alarms"]:
        if alarm["lethal"]:
            yield f"Alarm: {alarm['condition'].replace('_', ' ')}", alarm["onset_s"]


def _case(found: Findings, title: str, at_s: float) -> Case:
    start_s = max(0.0, min(at_s - SHOWN_S / 4, found.duration_s - SHOWN_S))
    near = (found.beat >= start_s * GRID_HZ) & (found.beat < (start_s + SHOWN_S) * GRID_HZ)
    pairs = zip((found.beat[near] / GRID_HZ).tolist(), found.label[near].tolist(), strict=True)
    beats = tuple(Note(second, None, CLASSES[label], CLASSES[label] == "V") for second, label in pairs)
    return Case(title, "", start_s, _traces(found, start_s), (Lane("beats", beats),))


def _traces(found: Findings, start_s: float) -> tuple[Trace, ...]:
    """The two leads a reader looks at first."""
    recording = found.recording
    ecg = recording.of_kind(GroupKind.ECG)
    names = [lead_name(recording.channels[k].name) or recording.channels[k].name for k in ecg]
    order = sorted(
        range(len(ecg)), key=lambda k: PREFERRED.index(names[k]) if names[k] in PREFERRED else len(LEADS) + k
    )
    part = recording.stretch(start_s, min(start_s + SHOWN_S, found.duration_s)).millivolts()
    return tuple(Trace(names[k], part[k], float(recording.fs_hz)) for k in order[:2])


# --------------------------------------------------------------------------------------------------------------- words


def _table(title: str, first: str, *others: str) -> Table:
    table = Table(title=title, title_style="bold")
    table.add_column(first)
    for name in others:
        table.add_column(name, justify="left" if name in ("condition", "priority", "source", "text") else "right")
    return table


def _untitled(table: Table) -> str:
    table.title = None
    return html_table(table)


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 600 else f"{seconds / 60:.0f} min"


def _rate(bpm: float | None) -> str:
    return "–" if bpm is None or np.isnan(bpm) else f"{bpm:.0f} /min"


def _clock(at_s: float) -> str:
    hours = int(at_s // 3600)
    return f"{hours}:{clock(at_s - 3600 * hours):0>7}" if hours else clock(at_s)
