"""The verdicts on recordings' alarms as one HTML file that needs no other: scores, and the worst cases drawn."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from ..verdicts.findings import Findings
from ..waveform import GRID_HZ, GroupKind
from .alarms import TYPES, Judged

WORST = 16
_SHOWN_S = 16.0
_WIDTH, _HEIGHT = 1000, 90
_DRAWN_HZ = 100.0
_STYLE = """body{font:14px sans-serif;max-width:1040px;margin:2em auto;color:#222}table{border-collapse:collapse}
td,th{padding:.2em .8em;text-align:right;border-bottom:1px solid #ddd}td:first-child,th:first-child{text-align:left}
svg{background:#fffafa;border:1px solid #ecc}.wave{fill:none;stroke:#333;stroke-width:1}.tick{stroke:#c22}
.doubt{stroke:#bbb}text{font-size:11px;fill:#555}"""


def alarm_report(result: dict, judged: Sequence[Judged]) -> str:
    """HTML of what ``evaluate_alarms`` found; drawn are the alarms whose opinion is wrong, the surest first."""
    wrong = [one for one in judged if _is_wrong(one)]
    wrong.sort(key=lambda one: -abs(one.judgement.probability - one.alarm.is_true))
    drawn = "".join(_case(one) for one in wrong[:WORST])
    return (
        f"<!doctype html><meta charset=utf-8><title>Verdicts on monitors' alarms</title><style>{_STYLE}</style>"
        f"<h1>Verdicts on {result['alarms']} alarms</h1><p>Records {escape(result['records_are'])}; challenge score "
        f"{result['score']}; could not say: {result['cannot_say']}. Not a medical device.</p>{_table(result)}"
        f"<h2>The {min(WORST, len(wrong))} worst of {len(wrong)} wrong verdicts</h2>"
        "<p>Filtered ECG with the beats found in each lead, pleth and arterial pressure with pulses (grey: not "
        f"believed); the last {_SHOWN_S:.0f} s, the alarm at the right edge.</p>{drawn}"
    )


def _is_wrong(one: Judged) -> bool:
    return one.judgement.opinion.name == ("FALSE_ALARM" if one.alarm.is_true else "TRUE_ALARM")


def _table(result: dict) -> str:
    keys = ("tp", "fp", "fn", "tn", "cannot_say", "score")
    rows = [(name, result["per_type"][name]) for name in TYPES.values()] + [("all", result)]
    cells = "".join(
        f"<tr><td>{name}</td>{''.join(f'<td>{found[key]}</td>' for key in keys)}</tr>" for name, found in rows
    )
    heads = "".join(f"<th>{key.replace('_', ' ')}</th>" for key in keys)
    return f"<table><tr><th>alarm</th>{heads}</tr>{cells}</table>"


def _case(one: Judged) -> str:
    judged, truth = one.judgement, "true" if one.alarm.is_true else "false"
    said = f"{one.alarm.name}: {TYPES[one.alarm.kind]}, {truth} alarm; told {judged.probability:.0%} likely true"
    return f"<h3>{escape(said)}</h3><p>{escape(judged.evidence)}</p>{_drawing(judged.findings)}"


def _drawing(found: Findings) -> str:
    strips = [
        _strip(place, lead.name, lead.mv, GRID_HZ, lead.beat_s, np.ones(len(lead.beat_s), bool))
        for place, lead in enumerate(found.leads)
    ]
    for place, (kind, pulses) in enumerate(found.pulses.items(), len(strips)):
        strips.append(_strip(place, GroupKind(kind).name, pulses.wave, pulses.fs_hz, pulses.time_s, pulses.good))
    height = _HEIGHT * len(strips)
    return f'<svg viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}">{"".join(strips)}</svg>'


def _strip(place: int, name: str, wave: np.ndarray, fs_hz: float, marks_s: np.ndarray, sure: np.ndarray) -> str:
    """One channel: its name, its wave scaled to the strip, a tick at each mark (s from the alarm)."""
    top, step = place * _HEIGHT, max(1, round(fs_hz / _DRAWN_HZ))
    shown = wave[-round(_SHOWN_S * fs_hz) :][::step]
    x = _WIDTH * (1 - (len(shown) - np.arange(len(shown))) * step / fs_hz / _SHOWN_S)
    low, high = np.nanpercentile(shown, (0.5, 99.5)) if np.isfinite(shown).any() else (0.0, 1.0)
    y = top + 12 + (_HEIGHT - 20) * (1 - np.clip((shown - low) / max(high - low, 1e-9), 0, 1))
    known = np.isfinite(shown)
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x[known], y[known], strict=True))
    ticks = "".join(
        f'<path class="{"tick" if good else "doubt"}" d="M{_WIDTH * (1 + at / _SHOWN_S):.1f} {top + 2}v8"/>'
        for at, good in zip(marks_s, sure, strict=True)
        if at > -_SHOWN_S
    )
    label = f'<text x="4" y="{top + 22}">{escape(name)}</text>'
    return f'<polyline class="wave" points="{points}"/>{ticks}{label}'
