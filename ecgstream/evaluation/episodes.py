"""Are lethal episodes told, how soon, and how often without cause? Rules and fibrillation head, as the daemon has them.

False alarms are counted in recordings whose annotations, rhythm notes and beats by the rules' definitions, hold no
lethal episode at all; those beside true episodes are told apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.table import Table
from scipy.special import gammaincinv

from ..errors import RecordError
from ..waveform import HOP_S, LETHAL, Condition, RhythmResult
from .cases import Worst, offer_stretches
from .fibrillation_heads import HeadOf
from .progress import over_records
from .records import Record, read_annotations, read_record, record_names
from .reference import VENTRICULAR, Episode, accepted, lethal_episodes, provable_conditions
from .runner import run_fused

BUDGET_S = 10.0
"""IEC 60601-2-27: from onset to alarm."""
_BESIDE_S = 5.0
"""Evidence this close to a reference episode belongs to it."""
_SAME_ALARM_S = 10.0
_SHOWN = (("definition_s", "p50"), ("delay_s", "p50"), ("delay_s", "p99"), ("beyond_s", "p50"), ("beyond_s", "p99"))


def evaluate_episodes(
    folder: Path, head_of: HeadOf, records: list[str] | None = None, worst: Worst | None = None
) -> dict:
    """Hits with delays, misses, and lethal evidence without a reference episode, per record and in all.

    Only conditions whose absence the annotations prove can be without cause: where no beats are annotated, the
    ventricular ones. Delays are from the reference onset to the end of the hop that told, in sample time. ``worst`` is
    offered what is wrong. Raises RecordError when the folder has no annotated record.
    """
    names = record_names(folder, "atr") if records is None else records
    if not names:
        raise RecordError(f"{folder} holds no WFDB record with .atr annotations; name a folder that does.")
    scores = [_score(folder / name, head_of, worst) for name in over_records(names, "lethal episodes")]
    delays = [hit["delay_s"] for score in scores for hit in score["hits"]]
    free = [score for score in scores if score["free"]]
    return {
        "hits": len(delays),
        "late": sum(delay > BUDGET_S for delay in delays),
        "misses": sum(len(score["misses"]) for score in scores),
        "delay_s": _percentiles(delays),
        "by_condition": by_condition(scores),
        "false": _false_rate(sum(len(score["false"]) for score in free), sum(score["duration_s"] for score in free)),
        "false_beside_episodes": sum(len(score["false"]) for score in scores if not score["free"]),
        "records": scores,
    }


def _percentiles(delays: list[float]) -> dict[str, float] | None:
    if not delays:
        return None
    return dict(zip(("p50", "p99", "max"), np.percentile(delays, (50, 99, 100)).tolist(), strict=True))


def by_condition(scores: list[dict]) -> dict[str, dict]:
    """Of each condition that was annotated: what is told of it, how late, and how late beyond its own definition."""
    hits, misses = ([one for score in scores for one in score[kind]] for kind in ("hits", "misses"))
    found = {}
    for condition in LETHAL:
        name = condition.name.lower()
        of, missed = ([one for one in some if one["condition"] == name] for some in (hits, misses))
        if of or missed:
            found[name] = {
                "hits": len(of),
                "misses": len(missed),
                "definition_s": _percentiles([one["definition_s"] for one in of]),
                "delay_s": _percentiles([one["delay_s"] for one in of]),
                "beyond_s": _percentiles([one["delay_s"] - one["definition_s"] for one in of]),
            }
    return found


def _false_rate(count: int, duration_s: float) -> dict:
    """Count, hours, and the exact 95 % upper bound of a Poisson rate (Garwood 1936)."""
    hours = duration_s / 3600
    bound = float(gammaincinv(count + 1, 0.95)) / hours if hours else None
    return {"count": count, "hours": hours, "at_most_per_h": bound}


def _score(path: Path, head_of: HeadOf, worst: Worst | None) -> dict:
    record = read_record(path)
    annotations = read_annotations(path)
    reference = lethal_episodes(annotations, record.duration_s)
    provable = provable_conditions(annotations)
    told = told_episodes(run_fused(record, head_of(path.name)))
    delays = [detection_delay_s(episode, told) for episode in reference]
    false = [episode for episode in told if episode.condition in provable and not has_cause(episode, reference)]
    if worst:
        _offer(worst, record, reference, delays, told, false)
    return {
        "record": path.name,
        "duration_s": record.duration_s,
        "free": not reference,
        "hits": [{**_told(e), "delay_s": d} for e, d in zip(reference, delays, strict=True) if d is not None],
        "misses": [_told(e) for e, d in zip(reference, delays, strict=True) if d is None],
        "false": [_told(episode) for episode in false],
    }


def _offer(
    worst: Worst,
    record: Record,
    reference: list[Episode],
    delays: list[float | None],
    told: list[Episode],
    false: list[Episode],
) -> None:
    """What is drawn: episodes missed, told after their budget, and told without cause."""
    wrong = [(e.start_s, e.stop_s, f"False: {_label(e)} told") for e in false]
    for episode, delay_s in zip(reference, delays, strict=True):
        if delay_s is None:
            wrong.append((episode.start_s, episode.stop_s, f"Missed: {_label(episode)}"))
        elif delay_s > BUDGET_S:
            wrong.append((episode.start_s, episode.start_s + delay_s, f"Late: {_label(episode)}"))
    stretches = ([(e.start_s, e.stop_s, _label(e)) for e in of] for of in (reference, told))
    offer_stretches(worst, record, wrong, *stretches)


def _label(episode: Episode) -> str:
    return episode.condition.name.lower().replace("_", " ")


def _told(episode: Episode) -> dict:
    name = episode.condition.name.lower()
    span = {"start_s": round(episode.start_s, 2), "stop_s": round(episode.stop_s, 2)}
    return {"condition": name, **span, "definition_s": round(episode.definition_s, 2)}


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


def has_cause(told: Episode, reference: Sequence[Episode]) -> bool:
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
    table = Table(title=f"Lethal episodes told, budget {BUDGET_S:g} s")
    for heading in ("record", "hits", "late", "longest delay s", "missed", "false"):
        table.add_column(heading, justify="left" if heading == "record" else "right")
    for score in result["records"]:
        if score["hits"] or score["misses"] or score["false"]:
            table.add_row(score["record"], *_cells(score))
    table.add_section()
    longest = f"{result['delay_s']['max']:.1f}" if result["delay_s"] else "–"
    false = str(result["false"]["count"] + result["false_beside_episodes"])
    table.add_row("all", str(result["hits"]), str(result["late"]), longest, str(result["misses"]), false)
    return table


def conditions_table(result: dict) -> Table:
    """By condition: how long its definition takes, and how much later it is told."""
    table = Table(title="Onset to alert by condition, s")
    for heading in ("condition", "told", "missed", "definition", "median", "p99", "beyond it: median", "p99"):
        table.add_column(heading, justify="left" if heading == "condition" else "right")
    for name, of in result["by_condition"].items():
        figures = ((of[key] or {}).get(at) for key, at in _SHOWN)
        cells = ("–" if figure is None else f"{figure:.1f}" for figure in figures)
        table.add_row(name.replace("_", " "), str(of["hits"]), str(of["misses"]), *cells)
    return table


def episodes_summary(result: dict) -> str:
    """The figures that the table does not hold, in two sentences."""
    delay, false = result["delay_s"], result["false"]
    told = f"p50 {delay['p50']:.1f} s, p99 {delay['p99']:.1f} s, longest {delay['max']:.1f} s" if delay else "none told"
    bound = f"at most {false['at_most_per_h']:.2f} an hour (exact Poisson, 95 %)" if false["hours"] else "no such hours"
    return (
        f"Onset to alert: {told}; {result['misses']} of {result['hits'] + result['misses']} missed. False lethal "
        f"alarms in recordings without a lethal episode: {false['count']} in {false['hours']:.1f} bed-hours, {bound}."
    )


def _cells(score: dict) -> list[str]:
    delays = [hit["delay_s"] for hit in score["hits"]]
    late = sum(delay > BUDGET_S for delay in delays)
    longest = f"{max(delays):.1f}" if delays else "–"
    return [str(len(delays)), str(late), longest, str(len(score["misses"])), str(len(score["false"]))]
