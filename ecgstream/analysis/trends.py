"""Heart rate, ectopic beats, rhythm and quality over the whole recording, one picture under the other, as SVG.

All are bands of one pair of axes: four pairs, with their ticks, would take as long as five minutes of signal do.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

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
_BLUE, _RED, _GREY, _LIGHT = "#1d5fa8", "#c01c28", "#999999", "#eeeeee"
_MOST_BARS = 144
_LEAST_RATE_SPAN_BPM = 20.0
_Point = tuple[float, float]


@dataclass(frozen=True)
class _Band:
    """Heights (parts of the picture) between which values from ``low`` to ``high`` lie."""

    bottom: float
    top: float
    low: float = 0.0
    high: float = 1.0

    def at(self, values: np.ndarray) -> np.ndarray:
        """Where values lie."""
        return self.bottom + (values - self.low) / (self.high - self.low) * (self.top - self.bottom)


@dataclass(frozen=True)
class _Ticks:
    """Heights and what is written beside them."""

    at: list[float]
    said: list[str]

    @classmethod
    def of(cls, band: _Band, most: int) -> _Ticks:
        """Round values within a band."""
        values = MaxNLocator(most).tick_values(band.low, band.high)
        values = values[(values >= band.low) & (values <= band.high)]
        return cls(band.at(values).tolist(), [f"{value:g}" for value in values])

    def draw(self, axes: Axes) -> None:
        """Left of the axes: as text, a tick of which takes a third of the time that one of matplotlib's axis takes."""
        for at, said in zip(self.at, self.said, strict=True):
            axes.text(-0.01, at, said, transform=axes.transAxes, ha="right", va="center_baseline")


def draw_trends(found: Findings) -> str:
    """Inline SVG. Time in hours, or in minutes where it is less than two hours."""
    unit_s, unit = (60.0, "min") if found.duration_s < 7200 else (3600.0, "h")
    with matplotlib.rc_context({"svg.fonttype": "none", "font.size": 8, "svg.hashsalt": "trends"}):
        figure = Figure(figsize=(10.2, 5.2))
        axes = figure.add_axes((0.15, 0.07, 0.84, 0.91))  # the same in every report
        axes.set(xlim=(0, found.duration_s / unit_s), ylim=(0, 1))
        axes.set_axis_off()
        drawn = [draw(axes, found, unit_s) for draw in (_rate, _ectopic, _rhythm, _quality)]
        _frame(axes, [band for band, _ in drawn], [at for _, ticks in drawn for at in ticks.at], unit)
        for _, ticks in drawn:
            ticks.draw(axes)
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None})
    svg = out.getvalue()
    return svg[svg.index("<svg") :]


def _rate(axes: Axes, found: Findings, unit_s: float) -> tuple[_Band, _Ticks]:
    rates = per_minute(found)
    known = rates[np.isfinite(rates)]
    low, high = (known.min(), known.max()) if len(known) else (0.0, 100.0)
    margin = max(0.05 * (high - low), (_LEAST_RATE_SPAN_BPM - (high - low)) / 2)
    band = _Band(0.6, 1.0, low - margin, high + margin)
    at, (least, mean, most) = (np.arange(len(rates)) + 0.5) * 60 / unit_s, band.at(rates).T
    ticks = _Ticks.of(band, 7)
    left, right = axes.get_xlim()
    _lines(axes, [((left, at), (right, at)) for at in ticks.at], _LIGHT, zorder=0)
    axes.fill_between(at, least, most, color=_BLUE, alpha=0.25, linewidth=0)
    axes.plot(at, mean, color=_BLUE, linewidth=0.8)
    _title(axes, band, "rate /min,\nrange and mean\nof each minute")
    return band, ticks


def _ectopic(axes: Axes, found: Findings, unit_s: float) -> tuple[_Band, _Ticks]:
    width_s = max(60.0, found.duration_s / _MOST_BARS)
    edges = np.arange(0, found.duration_s + width_s, width_s)
    of_class = [
        np.histogram(found.beat[found.label == CLASSES.index(name)] / GRID_HZ, edges)[0] * 60 / width_s
        for name in ("V", "S")
    ]
    band = _Band(0.36, 0.57, 0.0, max(1.0, 1.05 * (of_class[0] + of_class[1]).max()))
    below = np.zeros(len(edges) - 1)
    for counts, colour in zip(of_class, (_RED, _BLUE), strict=True):
        axes.stairs(band.at(below + counts), edges / unit_s, baseline=band.at(below), fill=True, color=colour)
        below = below + counts
    _title(axes, band, "ectopic\nbeats /min")
    for name, colour, left in (("V", _RED, 0.0), ("S", _BLUE, 0.02)):
        axes.text(-0.098 + left, band.bottom, name, color=colour, weight="bold", transform=axes.transAxes)
    return band, _Ticks.of(band, 4)


def _rhythm(axes: Axes, found: Findings, unit_s: float) -> tuple[_Band, _Ticks]:
    band = _Band(0.09, 0.33, len(SHOWN) - 0.5, -0.5)
    for line, condition in enumerate(SHOWN):
        colour = _RED if RULES[condition].lethal else _BLUE
        least = found.duration_s / 800  # a short episode must be seen in a long recording
        bars = [(s.start_s / unit_s, max(s.length_s, least) / unit_s) for s in episodes(found, condition)]
        bottom, top = band.at(np.array([line + 0.4, line - 0.4])).tolist()
        axes.broken_barh(bars, (bottom, top - bottom), color=colour)
    return band, _Ticks(band.at(np.arange(len(SHOWN))).tolist(), [RULES[condition].label for condition in SHOWN])


def _quality(axes: Axes, found: Findings, unit_s: float) -> tuple[_Band, _Ticks]:
    band = _Band(0.0, 0.06)
    judged = np.pad((found.reason == Reason.OK).astype(np.int8), 1)
    edges = np.flatnonzero(np.diff(judged)) * HOP_S / unit_s
    axes.axhspan(band.bottom, band.top, color=_LIGHT, zorder=0)
    bars = [(a, b - a) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    axes.broken_barh(bars, (band.bottom, band.top), color=_GREY)
    return band, _Ticks([0.03], ["judged"])


def _title(axes: Axes, band: _Band, text: str) -> None:
    middle = (band.bottom + band.top) / 2
    axes.text(-0.07, middle, text, transform=axes.transAxes, rotation=90, ha="center", va="center")


def _frame(axes: Axes, bands: Sequence[_Band], marks: Sequence[float], unit: str) -> None:
    """Lines around each band, those of the time ticks within, ``marks`` left of them, and times below."""
    left, right = axes.get_xlim()
    ticks = [at for at in axes.get_xticks().tolist() if left <= at <= right]
    _lines(axes, [((at, band.bottom), (at, band.top)) for band in bands[:-1] for at in ticks], _LIGHT, zorder=0)
    black = [((left, height), (right, height)) for band in bands for height in (band.bottom, band.top)]
    black += [((at, band.bottom), (at, band.top)) for at in (left, right) for band in bands]
    black += [((at, -0.01), (at, 0.0)) for at in ticks]
    black += [((left - 0.006 * (right - left), height), (left, height)) for height in marks]
    _lines(axes, black, "black")
    for at in ticks:
        axes.text(at, -0.03, f"{at:g}", ha="center", va="center")
    axes.text((left + right) / 2, -0.06, unit, ha="center", va="center")


def _lines(axes: Axes, ends: Sequence[tuple[_Point, _Point]], color: str, zorder: int = 2) -> None:
    """All at once: each call of ``hlines`` or ``vlines`` takes 1.5 ms, mostly to see whether the axes must grow."""
    lines = LineCollection(ends, colors=color, linewidths=0.8, clip_on=False, zorder=zorder)
    axes.add_collection(lines, autolim=False)
