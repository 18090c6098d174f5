"""Strips on ECG paper, to scale: 25 mm a second, 10 mm a millivolt, pictures of the size they say, in millimetres."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from ..waveform import GRID_HZ, STRIP_S
from ..wire import ecgstream_pb2 as pb
from .message import Leads, leads_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MM_PER_S, MM_PER_MV = 25.0, 10.0
FORMATS = ("svg", "png")
_DPI = 150
_INCH_MM = 25.4
_POINT_MM = _INCH_MM / 72
_SQUARE = 5.0
_MARGIN, _HEAD, _FOOT = 5.0, 17.0, 13.0
_PULSE = 4 * _SQUARE
"""Paper before the traces, for the calibration pulse and the leads' names."""
_BAND = (4 * _SQUARE, 10 * _SQUARE)
"""Least and greatest height of a lead; what goes beyond is cut off."""
_SHORTEST_GAP_S = 0.04
_SHADE, _DARKEST, _FAINTEST = (0.0, 0.35, 0.85), 0.6, 0.02
_THIN, _THICK, _TRACE, _MARK, _GREY = "#f8d9d6", "#eda9a4", "#111111", "#0a4d9c", "#777777"


@dataclass(frozen=True)
class Sheet:
    """What a picture shows. Seconds count from the leads' first sample."""

    leads: Leads
    title: str
    about: str  # the line below the title
    start_ns: int
    seconds: float  # of paper
    onset_s: float | None  # where a line is drawn, from which time is counted; None: from the beginning
    blank: str  # why paper stays blank where the leads end before it does
    shade: np.ndarray | None = None  # (leads, cells of equal length) 0 to 1: how darkly the paper is coloured there
    filtering: str = "unfiltered"


def draw_alert(alert: pb.Alert, fmt: str = "svg") -> bytes:
    """The strip of an alert as an SVG or PNG file. Raises RecordError when its samples are not whole."""
    return draw(sheet_of(alert), fmt)


def sheet_of(alert: pb.Alert) -> Sheet:
    """What the picture of an alert shows; on blank paper when its strip holds no lead."""
    strip = alert.strip
    leads = leads_of(strip)
    onset_s = (alert.onset_sample - strip.start_sample) / GRID_HZ
    is_inside = strip.HasField("onset")
    facts = [
        f"onset {_utc(alert.onset_time_ns):%Y-%m-%d %H:%M:%S} UTC"
        + ("" if is_inside else f", {-onset_s:.1f} s earlier"),
        f"{pb.Alert.Priority.Name(alert.priority).lower()} priority",
        f"{pb.Alert.State.Name(alert.state).lower()} (update {alert.update})",
        f"told by {alert.source}",
        f"{float(leads.fs_hz):g} samples/s" if leads.names else "no signal is left",
    ]
    return Sheet(
        leads=leads,
        title=f"{alert.condition.replace('_', ' ').capitalize()}  ·  {alert.stream_id}",
        about="  ·  ".join(facts),
        start_ns=strip.start_time_ns,
        seconds=onset_s + STRIP_S[1] if is_inside else sum(STRIP_S),
        onset_s=onset_s if is_inside else None,
        blank="no signal" if strip.complete else "to follow",
    )


def draw(sheet: Sheet, fmt: str = "svg") -> bytes:
    """A sheet as an SVG or PNG file, one row a lead."""
    import matplotlib  # slow to import, and the daemon draws nothing
    from matplotlib.figure import Figure

    heights = [_height(mv) for mv in sheet.leads.mv] or [_BAND[0]]
    paper = _squares(_PULSE + sheet.seconds * MM_PER_S + _SQUARE), sum(heights)
    width, height = paper[0] + 2 * _MARGIN, paper[1] + _HEAD + _FOOT
    figure = Figure(figsize=(width / _INCH_MM, height / _INCH_MM), facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1), xlim=(-_MARGIN, width - _MARGIN), ylim=(-_FOOT, height - _FOOT))
    axes.set_axis_off()
    _draw_grid(axes, *paper)
    _draw_text(axes, sheet, *paper)
    _draw_times(axes, sheet, paper[1])
    top = paper[1]
    for k, (name, mv, tall) in enumerate(zip(sheet.leads.names, sheet.leads.mv, heights, strict=False)):
        top -= tall
        _draw_lead(axes, sheet, name, mv, top, tall)
        if sheet.shade is not None:
            _shade(axes, sheet.shade[k], mv.shape[0] / float(sheet.leads.fs_hz), top, tall)
    _draw_blank(axes, sheet, paper[1])
    out = io.BytesIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "ecgstream"}):
        figure.savefig(out, format=fmt, dpi=_DPI, metadata={"Date": None} if fmt == "svg" else None)
    return out.getvalue()


def _squares(mm: float) -> float:
    return float(np.ceil(mm / _SQUARE - 1e-9) * _SQUARE)


def _height(mv: np.ndarray) -> float:
    """Paper for a lead: most of its swing, and a square."""
    swing = np.ptp(np.nanquantile(mv, (0.002, 0.998))) * MM_PER_MV
    return float(np.clip(_squares(swing + _SQUARE), *_BAND))


def _draw_grid(axes: Axes, width: float, height: float) -> None:
    from matplotlib.collections import LineCollection

    for step, colour, thick in ((1.0, _THIN, 0.1), (_SQUARE, _THICK, 0.2)):
        upright = [[(x, 0), (x, height)] for x in np.arange(0, width + step / 2, step)]
        level = [[(0, y), (width, y)] for y in np.arange(0, height + step / 2, step)]
        axes.add_collection(LineCollection(upright + level, colors=colour, linewidths=thick / _POINT_MM, zorder=1))


def _draw_text(axes: Axes, sheet: Sheet, width: float, height: float) -> None:
    axes.text(0, height + 9.5, sheet.title, fontsize=13, fontweight="bold", color=_TRACE)
    axes.text(0, height + 3.0, sheet.about, fontsize=9, color=_TRACE)
    scale = f"{MM_PER_S:g} mm/s   {MM_PER_MV:g} mm/mV   {sheet.filtering}"
    axes.text(width, height + 3.0, scale, fontsize=9, color=_TRACE, ha="right")
    warning = "Not for diagnosis. ecgstream is not a medical device."
    axes.text(width, -_FOOT + 2.5, warning, fontsize=8, color=_GREY, ha="right")


def _draw_times(axes: Axes, sheet: Sheet, height: float) -> None:
    """A tick a second below the paper, the time of day at every fifth, and the onset's line."""
    zero_s = 0.0 if sheet.onset_s is None else sheet.onset_s
    first = int(np.ceil(-zero_s - 1e-9))
    for second in range(first, int(np.floor(sheet.seconds - zero_s + 1e-9)) + 1):
        x = _x(zero_s + second)
        axes.plot([x, x], [0, -2.0 if second % 5 == 0 else -1.0], color=_GREY, linewidth=0.7)
        if second % 5 == 0:
            at = _utc(sheet.start_ns + round((zero_s + second) * 1e9))
            relative = "" if sheet.onset_s is None else f"{second:+d} s   ".replace("-", "−").replace("+0", "0")
            ends = zero_s + second > sheet.seconds - 1.0
            text = f"{relative}{at:%H:%M:%S}"
            axes.text(x, -5.5, text, fontsize=8, color=_GREY, ha="right" if ends else "center")
    if sheet.onset_s is not None:
        x = _x(sheet.onset_s)
        axes.plot([x, x], [0, height + 1.0], color=_MARK, linewidth=1.1, dashes=(6, 3), zorder=2)
        label = {"fontsize": 9, "fontweight": "bold", "color": "white", "ha": "left", "va": "top", "zorder": 5}
        axes.text(x, height, "onset", bbox={"facecolor": _MARK, "edgecolor": "none", "pad": 1.5}, **label)


def _draw_lead(axes: Axes, sheet: Sheet, name: str, mv: np.ndarray, bottom: float, tall: float) -> None:
    """Calibration pulse, name and trace, in the middle of the lead's paper."""
    from matplotlib.patches import Rectangle

    middle = np.nanmean(np.nanquantile(mv, (0.002, 0.998)))
    zero = bottom + tall / 2
    pulse = np.array([(2, 0), (5, 0), (5, 1), (10, 1), (10, 0), (13, 0)]) * (1, MM_PER_MV)
    axes.plot(pulse[:, 0], pulse[:, 1] + zero - MM_PER_MV / 2, color=_TRACE, linewidth=1.0, zorder=3)
    fs_hz = float(sheet.leads.fs_hz)
    y = zero + (mv - middle) * MM_PER_MV
    within = Rectangle((0, bottom), _x(sheet.seconds), tall, transform=axes.transData)
    axes.plot(_x(np.arange(len(mv)) / fs_hz), y, color=_TRACE, linewidth=0.85, zorder=3)[0].set_clip_path(within)
    for first, stop in _gaps(mv):
        if (stop - first) / fs_hz >= _SHORTEST_GAP_S:
            _hatch(axes, first / fs_hz, stop / fs_hz, bottom, tall, "no signal")
    axes.text(2.0, zero + MM_PER_MV / 2 + 1.0, name, fontsize=11, fontweight="bold", color=_TRACE, zorder=4)


def _shade(axes: Axes, shade: np.ndarray, seconds: float, bottom: float, tall: float) -> None:
    """Colour the paper behind a lead, cell by cell."""
    from matplotlib.collections import PolyCollection

    edges = _x(np.linspace(0.0, seconds, len(shade) + 1))
    seen = np.flatnonzero(shade > _FAINTEST)
    boxes = [
        [(edges[i], bottom), (edges[i + 1], bottom), (edges[i + 1], bottom + tall), (edges[i], bottom + tall)]
        for i in seen
    ]
    colours = [(*_SHADE, _DARKEST * min(shade[i], 1.0)) for i in seen]
    axes.add_collection(PolyCollection(boxes, facecolors=colours, linewidths=0, zorder=1.5))


def _gaps(mv: np.ndarray) -> Iterator[tuple[int, int]]:
    """Runs ``[first, stop)`` of samples that are not valid."""
    edges = np.flatnonzero(np.diff(np.isnan(mv).astype(np.int8), prepend=0, append=0)).tolist()
    return zip(edges[::2], edges[1::2], strict=True)


def _draw_blank(axes: Axes, sheet: Sheet, height: float) -> None:
    ends_s = sheet.leads.mv.shape[1] / float(sheet.leads.fs_hz)
    if sheet.seconds - ends_s >= _SHORTEST_GAP_S:
        _hatch(axes, ends_s, sheet.seconds, 0, height, sheet.blank)


def _hatch(axes: Axes, from_s: float, to_s: float, bottom: float, tall: float, why: str) -> None:
    from matplotlib.patches import Rectangle

    size = _x(to_s) - _x(from_s), tall
    style = {"facecolor": (1, 1, 1, 0.6), "edgecolor": "#c9c9c9", "hatch": "//", "linewidth": 0.0, "zorder": 2.5}
    axes.add_patch(Rectangle((_x(from_s), bottom), *size, **style))
    if size[0] > 4 * _SQUARE:
        box = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
        at = _x(from_s) + size[0] / 2, bottom + tall / 2
        axes.text(*at, why, fontsize=9, color=_GREY, ha="center", va="center", bbox=box, zorder=4)


def _x(seconds: float | np.ndarray) -> float | np.ndarray:
    """Millimetres from the paper's left edge."""
    return _PULSE + seconds * MM_PER_S


def _utc(ns: int) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=ns // 1000)
