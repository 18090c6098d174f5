"""The summary of one recording: figures by name, as they go to JSON; nothing in it names a patient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..alarms.conditions import RULES
from ..diagnosis import CLASSES
from ..waveform import GRID_HZ, HOP_S, LEADS, Condition, Reason
from .events import Span, couplets, episodes, pauses, per_minute, rr_s, runs
from .findings import Findings

RHYTHMS = (
    Condition.VENTRICULAR_FIBRILLATION,
    Condition.VENTRICULAR_TACHYCARDIA,
    Condition.ASYSTOLE,
    Condition.EXTREME_BRADYCARDIA,
    Condition.EXTREME_TACHYCARDIA,
    Condition.ATRIAL_FIBRILLATION,
)
MOST_LISTED = 200
"""Of one kind; counts are of all."""


def summarise(found: Findings) -> dict[str, Any]:
    """Everything the report states, as JSON values: times in s from the start, rates per minute, shares of one."""
    judged = float((found.reason == Reason.OK).sum() * HOP_S)
    return {
        "record": found.name,
        "duration_s": round(found.duration_s, 3),
        "start": None if found.recording.start_ns is None else found.recording.start.isoformat(),
        "fs_hz": float(found.recording.fs_hz),
        "leads": [LEADS[slot] for slot in found.lead_slots],
        "channels": [channel.name for channel in found.recording.channels],
        "model": found.model,
        "judged_share": _share(judged, found.duration_s),
        "heart_rate_bpm": _heart_rate(found),
        "beats": _beats(found),
        "ventricular": _ectopy(found, "V"),
        "supraventricular": _ectopy(found, "S"),
        "pauses": _listed(pauses(found)),
        "rhythms": {condition.name.lower(): _rhythm(found, condition, judged) for condition in RHYTHMS},
        "alarms": _alarms(found),
        "quality": _quality(found),
        "scores": _scores(found),
    }


def _heart_rate(found: Findings) -> dict[str, Any]:
    """Of the rates stated hop by hop; intervals between normal beats for SDNN (Task Force of ESC and NASPE, 1996)."""
    known = np.isfinite(found.hr_bpm)
    if not known.any():
        return {"mean": None, "least": None, "greatest": None, "sdnn_ms": None, "by_hour": []}
    normal = found.label == CLASSES.index("N")
    between = rr_s(found)[normal[1:] & normal[:-1]] if len(normal) > 1 else np.zeros(0)
    between = between[np.isfinite(between)]
    return {
        "mean": round(float(found.hr_bpm[known].mean()), 1),
        "least": _extreme(found, np.nanargmin(found.hr_bpm)),
        "greatest": _extreme(found, np.nanargmax(found.hr_bpm)),
        "sdnn_ms": round(float(1e3 * between.std()), 1) if len(between) > 1 else None,
        "by_hour": _by_hour(found),
    }


def _extreme(found: Findings, hop: np.intp) -> dict[str, float]:
    return {"bpm": round(float(found.hr_bpm[hop]), 1), "at_s": round(float((hop + 1) * HOP_S), 1)}


def _by_hour(found: Findings) -> list[dict[str, Any]]:
    minutes = per_minute(found)
    hours = []
    for start in range(0, len(minutes), 60):
        rates = minutes[start : start + 60]
        known = rates[np.isfinite(rates[:, 1])]
        at = (found.beat >= start * 60 * GRID_HZ) & (found.beat < (start + 60) * 60 * GRID_HZ)
        least, mean, greatest = (
            (
                round(float(known[:, 0].min()), 1),
                round(float(known[:, 1].mean()), 1),
                round(float(known[:, 2].max()), 1),
            )
            if len(known)
            else (None, None, None)
        )
        counts = {name: int((found.label[at] == k).sum()) for k, name in enumerate(CLASSES)}
        hours.append({"from_s": start * 60, "least": least, "mean": mean, "greatest": greatest, "beats": counts})
    return hours


def _beats(found: Findings) -> dict[str, Any]:
    counts = {name: int((found.label == k).sum()) for k, name in enumerate(CLASSES)}
    return {"total": len(found.beat), **counts, "paced": int(found.paced.sum()), "in_noise": len(found.beat_in_noise)}


def _ectopy(found: Findings, kind: str) -> dict[str, Any]:
    spans = runs(found, kind)
    longest = max(spans, key=lambda span: span.beats, default=None)
    fastest = max(spans, key=lambda span: span.rate_bpm, default=None)
    return {
        "beats": int((found.label == CLASSES.index(kind)).sum()),
        "share": _share(float((found.label == CLASSES.index(kind)).sum()), len(found.beat)),
        "couplets": couplets(found, kind),
        "runs": _listed(spans),
        "longest_run": None if longest is None else _span(longest),
        "fastest_run": None if fastest is None else _span(fastest),
    }


def _rhythm(found: Findings, condition: Condition, judged_s: float) -> dict[str, Any]:
    spans = episodes(found, condition)
    total_s = sum(span.length_s for span in spans)
    longest = max(spans, key=lambda span: span.length_s, default=None)
    burden = {"total_s": round(total_s, 1), "share": _share(total_s, judged_s)}
    return {**_listed(spans), **burden, "longest": None if longest is None else _span(longest)}


def _listed(spans: Sequence[Span]) -> dict[str, Any]:
    first = sorted(sorted(spans, key=lambda span: -span.length_s)[:MOST_LISTED], key=lambda span: span.start_s)
    return {"count": len(spans), "longest_s": round(max((s.length_s for s in spans), default=0.0), 2)} | {
        "listed": [_span(span) for span in first]
    }


def _span(span: Span) -> dict[str, Any]:
    rate = None if np.isnan(span.rate_bpm) else round(span.rate_bpm, 1)
    return {"at_s": round(span.start_s, 2), "length_s": round(span.length_s, 2), "beats": span.beats, "bpm": rate}


def _alarms(found: Findings) -> list[dict[str, Any]]:
    """Each alert once, in order of its onset, as the daemon would have told it."""
    told: dict[str, dict[str, Any]] = {}
    for update in sorted(found.updates, key=lambda update: (update.decided, update.update)):
        alert = told.setdefault(update.alert_id, {"condition": update.condition.name.lower(), "ended_s": None})
        alert |= {"priority": update.priority.name.lower(), "lethal": RULES[update.condition].lethal}
        alert |= {"onset_s": round(update.onset / GRID_HZ, 1), "source": update.source}
        alert.setdefault("told_s", round(update.decided / GRID_HZ, 1))
        alert.setdefault("text", update.text)
        if update.state in ("ended", "latched"):
            alert["ended_s"] = alert["ended_s"] or round(update.decided / GRID_HZ, 1)
    return sorted(told.values(), key=lambda alert: alert["onset_s"])


def _quality(found: Findings) -> dict[str, Any]:
    names = {int(reason): Reason(reason).name.lower() for reason in Reason}
    hops = np.bincount(found.reason, minlength=len(names))
    usable = (found.lead_reason == Reason.OK).mean(0) if len(found.lead_reason) else np.zeros(len(LEADS))
    return {
        "not_judged_s": {names[k]: round(float(n * HOP_S), 1) for k, n in enumerate(hops.tolist()) if n and k},
        "lead_usable_share": {LEADS[slot]: round(float(usable[slot]), 4) for slot in found.lead_slots},
    }


def _scores(found: Findings) -> dict[str, float]:
    """Mean probability of every score over the recording, the encoder's own; none where all are withheld."""
    stated = found.scores[np.isfinite(found.scores).all(1)] if found.scores.size else found.scores
    return dict(zip(found.score_names, np.round(stated.mean(0), 4).tolist(), strict=True)) if len(stated) else {}


def _share(part: float, whole: float) -> float | None:
    return round(part / whole, 5) if whole else None
