"""Recordings on ECG paper as SVG: 25 mm/s, 10 mm/mV, small enough that many fit on a page.

Strips of alerts are ``alert_strips.draw``'s, one file each. Here one page shares its paper, and notes stand above it.
"""

from __future__ import annotations

from html import escape

import numpy as np

from .cases import Case, Lane, Trace, clock

MM_PER_S, MM_PER_MV = 25.0, 10.0
ROW_S = 10.0
"""Longer cases continue in the next row, as on a printed strip."""
PAPER = (
    '<svg width="0" height="0" style="position:absolute"><defs><pattern id="mm" width="5" height="5" '
    'patternUnits="userSpaceOnUse"><path class="thin" d="M1 0v5M2 0v5M3 0v5M4 0v5M0 1h5M0 2h5M0 3h5M0 4h5"/>'
    '<path class="thick" d="M0 0h5M0 0v5"/></pattern></defs></svg>'
)
"""The paper, once a page."""
STYLE = """.thin,.thick{fill:none;stroke:#f6d5d2;stroke-width:.1}.thick{stroke:#e9a9a3;stroke-width:.2}
.wave{fill:none;stroke:#111;stroke-width:28;stroke-linejoin:round}.edge{fill:url(#mm);stroke:#e9a9a3;stroke-width:.2}
.strip text{font:2.9px system-ui,sans-serif;fill:#333}.strip .lead{font-weight:700;fill:#111}.strip .time{fill:#777}
.note{stroke:#1d5fa8;stroke-width:.3;fill:#dbe8f6}
.note.wrong{stroke:#c01c28;fill:#fbdcdc}.strip text.wrong{fill:#c01c28;font-weight:700}
.mark{stroke:#1d5fa8;stroke-width:.35}.mark.doubt{stroke:#bbb}.tick{stroke:#999;stroke-width:.2}"""
_LEFT, _RIGHT = 18.0, 1.0
_LANE = 4.6
_FOOT = 5.0
_LETTER = 1.8
_LEAST_MM, _MOST_MM = 15.0, 35.0
_DRAWN_HZ = 250.0
_FITTED_MM = 15.0
_WIDTH = _LEFT + ROW_S * MM_PER_S + _RIGHT


def draw_case(case: Case) -> str:
    """One SVG of all rows of a case, at most ``ROW_S`` each; a page that holds it needs PAPER and STYLE once."""
    seconds = max((len(trace.wave) / trace.fs_hz for trace in case.traces), default=0.0)
    scales = [_Scale(trace) for trace in case.traces]
    parts, top = [], 0.0
    for row in range(max(1, int(np.ceil(seconds / ROW_S - 1e-9)))):
        from_s = case.start_s + row * ROW_S
        parts.append(f'<g transform="translate(0 {top:.1f})">')
        row_parts, height = _row(case, scales, from_s, min(ROW_S, case.start_s + seconds - from_s))
        parts += [*row_parts, "</g>"]
        top += height
    size = f'viewBox="0 0 {_WIDTH:g} {top:.1f}" style="width:{_WIDTH:g}mm"'
    return f'<svg class="strip" role="img" {size}><title>{escape(case.title)}</title>{"".join(parts)}</svg>'


class _Scale:
    """How a trace becomes millimetres: the same in every row."""

    def __init__(self, trace: Trace):
        known = trace.wave[np.isfinite(trace.wave)]
        low, high = np.quantile(known, (0.005, 0.995)) if len(known) else (0.0, 0.0)
        self.mm_per_unit = MM_PER_MV if trace.is_mv else (_FITTED_MM - 4) / max(high - low, 1e-9)
        swing = (high - low) * self.mm_per_unit
        self.height = float(np.clip(np.ceil((swing + 5) / 5) * 5, _LEAST_MM, _MOST_MM)) if trace.is_mv else _FITTED_MM
        self.middle = (low + high) / 2


def _row(case: Case, scales: list[_Scale], from_s: float, seconds: float) -> tuple[list[str], float]:
    """Lanes, traces and times of one row, and its height (mm)."""
    parts, top = [], 0.0
    for lane in case.lanes:
        parts += _lane(lane, top, from_s, seconds)
        top += _LANE
    for trace, scale in zip(case.traces, scales, strict=True):
        parts += _trace(trace, scale, case.start_s, from_s, seconds, top)
        top += scale.height
    for second in range(int(np.ceil(from_s - 1e-6)), int(from_s + seconds + 1e-6) + 1):
        x, is_named = _x(second - from_s), second % 5 == 0
        parts.append(f'<path class="tick" d="M{x:.1f} {top:.1f}v{1.5 if is_named else 0.8}"/>')
        if is_named and second - from_s < seconds - 0.5:
            parts.append(
                f'<text class="time" x="{x:.1f}" y="{top + 4:.1f}" text-anchor="middle">{_time(second)}</text>'
            )
    return parts, top + _FOOT


def _lane(lane: Lane, top: float, from_s: float, seconds: float) -> list[str]:
    parts = [f'<text x="0" y="{top + 3.4:.1f}">{escape(lane.name)}</text>']
    for note in lane.notes:
        stop_s = note.start_s if note.stop_s is None else note.stop_s
        if stop_s < from_s or note.start_s >= from_s + seconds:
            continue
        wrong = " wrong" if note.wrong else ""
        x = _x(max(note.start_s - from_s, 0.0))
        wide = _x(min(stop_s - from_s, seconds)) - x
        if note.stop_s is not None:
            parts.append(f'<rect class="note{wrong}" x="{x:.1f}" y="{top + 0.4:.1f}" width="{wide:.1f}" height="3.8"/>')
        if note.stop_s is not None and wide < _LETTER * len(note.text):
            continue
        at, anchor = (x, "middle") if note.stop_s is None else (x + 1, "start")
        parts.append(
            f'<text class="{wrong.strip()}" x="{at:.1f}" y="{top + 3.3:.1f}" text-anchor="{anchor}">'
            f"{escape(note.text)}</text>"
        )
    return parts


def _trace(trace: Trace, scale: _Scale, start_s: float, from_s: float, seconds: float, top: float) -> list[str]:
    wide, tall = seconds * MM_PER_S, scale.height
    parts = [f'<rect class="edge" x="{_LEFT:g}" y="{top:.1f}" width="{wide:.1f}" height="{tall:g}"/>']
    first, stop = (round((at - start_s) * trace.fs_hz) for at in (from_s, from_s + seconds))
    step = max(1, round(trace.fs_hz / _DRAWN_HZ))
    y = (scale.middle - trace.wave[first:stop:step]) * scale.mm_per_unit
    y = np.clip(y, -tall / 2, tall / 2) + top + tall / 2
    parts.append(f'<path class="wave" d="{_path(np.arange(len(y)) * step / trace.fs_hz, y)}" transform="scale(.01)"/>')
    for marks, kind in ((trace.marks_s, ""), (trace.doubted_s, " doubt")):
        d = "".join(f"M{_x(at - from_s):.1f} {top:.1f}v3" for at in marks if from_s <= at < from_s + seconds)
        parts += [f'<path class="mark{kind}" d="{d}"/>'] if d else []
    parts.append(f'<text class="lead" x="0" y="{top + tall / 2 + 1:.1f}">{escape(trace.name)}</text>')
    return parts


def _path(at_s: np.ndarray, y: np.ndarray) -> str:
    """SVG path in hundredths of a millimetre, relative; broken where nothing is known."""
    known = np.isfinite(y)
    points = np.rint(np.stack([_x(at_s), np.where(known, y, 0.0)], 1) * 100).astype(int)
    edges = np.flatnonzero(np.diff(np.pad(known.astype(np.int8), 1))).tolist()
    parts = []
    for first, stop in zip(edges[::2], edges[1::2], strict=True):
        moves = np.diff(points[first:stop], axis=0)
        parts.append(f"M{points[first, 0]} {points[first, 1]}l{' '.join(map(str, moves.ravel().tolist()))}")
    return "".join(parts)


def _x(seconds):
    """Millimetres from the picture's left edge."""
    return _LEFT + seconds * MM_PER_S


def _time(second: int) -> str:
    return f"−{-second} s" if second < 0 else clock(second)[:-2]
