"""Are lethal episodes told, how soon, and how often without cause? Rules alone, on annotated recordings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.table import Table

from ..errors import RecordError
from ..waveform import HOP_S, LETHAL, Condition, RhythmResult
from .progress import over_records
from .records import read_annotations, read_record, record_names
from .reference import VENTRICULAR, Episode, accepted, lethal_episodes, provable_conditions
from .runner import run_rules

BUDGET_S = 10.0
"""IEC 60601-2-27: from onset to alarm."""
_BESIDE_S = 5.0
"""Evidence this close to a reference episode belongs to it."""
_SAME_ALARM_S = 10.0


def evaluate_episodes(folder: Path, records: list[str] | None = None) -> dict:
    """Hits with delays, misses, and lethal evidence without a reference episode, per record and in all.

    Only conditions whose absence the annotations prove can be without cause: where no beats are annotated, the
    ventricular ones. Delays are from the reference onset to the end of the hop that told, in sample time. Raises
    RecordError when the folder has no annotated record.
    """
    names = record_names(folder, "atr") if records is None else records
    if not names:
        raise RecordError(f"{folder} holds no WFDB record with .atr annotations; name a folder that does.")
    scores = [_score(folder / name) for name in over_records(names, "lethal episodes, by rules")]
    hours = sum(score["duration_s"] for score in scores) / 3600
    return {
        "hits": sum(len(score["hits"]) for score in scores),
        "late": sum(hit["delay_s"] > BUDGET_S for score in scores for hit in score["hits"]),
        "misses": sum(len(score["misses"]) for score in scores),
        "false": sum(len(score["false"]) for score in scores),
        "hours": hours,
        "false_per_h": sum(len(score["false"]) for score in scores) / hours,
        "records": scores,
    }


def _score(path: Path) -> dict:
    record = read_record(path)
    annotations = read_annotations(path)
    reference = lethal_episodes(annotations, record.duration_s)
    provable = provable_conditions(annotations)
    told = told_episodes(run_rules(record))
    delays = [detection_delay_s(episode, told) for episode in reference]
    return {
        "record": path.name,
        "duration_s": record.duration_s,
        "hits": [{**_told(e), "delay_s": d} for e, d in zip(reference, delays, strict=True) if d is not None],
        "misses": [_told(e) for e, d in zip(reference, delays, strict=True) if d is None],
        "false": [_told(e) for e in told if e.condition in provable and not _has_cause(e, reference)],
    }


def _told(episode: Episode) -> dict:
    name = episode.condition.name.lower()
    return {"condition": name, "start_s": round(episode.start_s, 2), "stop_s": round(episode.stop_s, 2)}


def told_episodes(result: RhythmResult, conditions: Sequence[Condition] = LETHAL) -> list[Episode]:
    """Runs of evidence of a result of one row: told from the end of the first hop to that of the last (s).

    Runs of one condition less than 10 s apart are one, as one alarm would stand for both.
    """
    episodes: list[Episode] = []
    for condition in conditions:
        edges = np.flatnonzero(np.diff(np.concatenate([[0], result.evidence[0, :, condition], [0]])))
        for start, stop in ((edges.reshape(-1, 2) + (1, 0)) * HOP_S).tolist():
            last = episodes[-1] if episodes else None
            if last and last.condition == condition and start - last.stop_s < _SAME_ALARM_S:
                episodes[-1] = Episode(condition, last.start_s, stop)
            else:
                episodes.append(Episode(condition, start, stop))
    return episodes


def detection_delay_s(reference: Episode, told: Sequence[Episode]) -> float | None:
    """From the onset to the first evidence that counts for it; None for a miss."""
    starts = [
        max(episode.start_s - reference.start_s, 0.0)
        for episode in told
        if episode.condition in accepted(reference.condition)
        and episode.stop_s > reference.start_s
        and episode.start_s <= reference.stop_s + _BESIDE_S
    ]
    return round(min(starts), 2) if starts else None


def _has_cause(told: Episode, reference: Sequence[Episode]) -> bool:
    """Extreme tachycardia during a ventricular episode is no false alarm, though it counts for no hit."""
    return any(
        (told.condition in accepted(episode.condition) or _is_fast_part(told, episode))
        and told.start_s <= episode.stop_s + _BESIDE_S
        and told.stop_s >= episode.start_s - _BESIDE_S
        for episode in reference
    )


def _is_fast_part(told: Episode, episode: Episode) -> bool:
    return told.condition == Condition.EXTREME_TACHYCARDIA and episode.condition in VENTRICULAR


def episodes_table(result: dict) -> Table:
    """What ``evaluate_episodes`` found, for people; records with nothing to say are left out."""
    table = Table(title=f"Lethal episodes told by rules, budget {BUDGET_S:g} s")
    for heading in ("record", "hits", "late", "longest delay s", "missed", "false"):
        table.add_column(heading, justify="left" if heading == "record" else "right")
    for score in result["records"]:
        if score["hits"] or score["misses"] or score["false"]:
            table.add_row(score["record"], *_cells(score))
    table.add_section()
    table.add_row("all", str(result["hits"]), str(result["late"]), "", str(result["misses"]), str(result["false"]))
    return table


def _cells(score: dict) -> list[str]:
    delays = [hit["delay_s"] for hit in score["hits"]]
    late = sum(delay > BUDGET_S for delay in delays)
    longest = f"{max(delays):.1f}" if delays else "–"
    return [str(len(delays)), str(late), longest, str(len(score["misses"])), str(len(score["false"]))]
