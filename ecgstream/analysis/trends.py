"""Heart rate, ectopic beats, rhythm and quality over the whole recording, one picture under the other, as SVG."""

from __future__ import annotations

import io

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from ..alarms.conditions import RULES
from ..diagnosis import CLASSES
from ..waveform import GRID_HZ, HOP_S, Condition, Reason
from .events import episodes, per_minute
from .findings import Findings

SHOWN = (
    Condition.VENTRICULAR_FIBRILLATION,
    Condition.VENTRICULAR_TACHYCARDIA,
    Condition.ASYSTOLE,
    Condition.PAUSE,
    Condition.ATRIAL_FIBRILLATION,
    Condition.TACHYCARDIA,
    Condition.BRADYCARDIA,
)
_BLUE, _RED, _GREY = "#1d5fa8", "#c01c28", "#999999"
_MOST_BARS = 144


def draw_trends(found: Findings) -> str:
    """Inline SVG. Time in hours, or in minutes where it is less than two hours."""
    unit_s, unit = (60.0, "min") if found.duration_s < 7200 else (3600.0, "h")
    with matplotlib.rc_context({"svg.fonttype": "none", "font.size": 8, "svg.hashsalt": "trends"}):
        figure = Figure(figsize=(10.2, 5.2))
        figure.subplots_adjust(left=0.15, right=0.99, top=0.98, bottom=0.07, hspace=0.12)  # the same in every report
        rate, ectopic, rhythm, quality = figure.subplots(4, 1, sharex=True, height_ratios=(4, 2, 2, 0.6))
        _rate(rate, found, unit_s)
        _ectopic(ectopic, found, unit_s)
        _rhythm(rhythm, found, unit_s)
        _quality(quality, found, unit_s)
        quality.set_xlabel(unit)
        quality.set_xlim(0, found.duration_s / unit_s)
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None})
    svg = out.getvalue()
    return svg[svg.index("<svg") :]


def _rate(axes, found: Findings, unit_s: float) -> None:
    rates = per_minute(found)
    at = (np.arange(len(rates)) + 0.5) * 60 / unit_s
    axes.fill_between(at, rates[:, 0], rates[:, 2], color=_BLUE, alpha=0.25, linewidth=0)
    axes.plot(at, rates[:, 1], color=_BLUE, linewidth=0.8)
    axes.set_ylabel("rate /min,\nrange and mean\nof each minute")
    axes.grid(alpha=0.3)


def _ectopic(axes, found: Findings, unit_s: float) -> None:
    width_s = max(60.0, found.duration_s / _MOST_BARS)
    edges = np.arange(0, found.duration_s + width_s, width_s)
    below = np.zeros(len(edges) - 1)
    for name, colour in (("V", _RED), ("S", _BLUE)):
        above = below + np.histogram(found.beat[found.label == CLASSES.index(name)] / GRID_HZ, edges)[0] * 60 / width_s
        axes.stairs(above, edges / unit_s, baseline=below, fill=True, color=colour, label=name)
        below = above
    axes.set_ylabel("ectopic\nbeats /min")
    axes.legend(loc="upper right", ncols=2, frameon=False)


def _rhythm(axes, found: Findings, unit_s: float) -> None:
    for line, condition in enumerate(SHOWN):
        colour = _RED if RULES[condition].lethal else _BLUE
        least = found.duration_s / 800  # a short episode must be seen in a long recording
        bars = [(s.start_s / unit_s, max(s.length_s, least) / unit_s) for s in episodes(found, condition)]
        axes.broken_barh(bars, (line - 0.4, 0.8), color=colour)
    axes.set_yticks(range(len(SHOWN)), [RULES[condition].label for condition in SHOWN])
    axes.set_ylim(len(SHOWN) - 0.5, -0.5)
    axes.grid(alpha=0.3, axis="x")


def _quality(axes, found: Findings, unit_s: float) -> None:
    judged = np.pad((found.reason == Reason.OK).astype(np.int8), 1)
    edges = np.flatnonzero(np.diff(judged)) * HOP_S / unit_s
    axes.set_facecolor("#eeeeee")
    axes.broken_barh([(a, b - a) for a, b in zip(edges[::2], edges[1::2], strict=True)], (0, 1), color=_GREY)
    axes.set_yticks([0.5], ["judged"])
