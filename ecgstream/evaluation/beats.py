"""Beats found by the rules and classed by the beat head, as the daemon does both, scored by EC57."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from ..diagnosis import BeatClasses
from ..diagnosis.strips import StripRhythms, shipped_rhythm_head
from ..errors import RecordError
from ..heads import Head
from ..rhythm import Rhythm
from ..waveform import GRID_HZ
from .beat_cases import compare, offer_beats
from .cases import Worst
from .ec57 import CLASSES, NO_BEAT, BeatList, confusion, figures, is_counted, reference_beats, summary
from .progress import over_records
from .records import Annotations, Record, read_annotations, read_record, record_names
from .runner import condition

PACED = "/"
"""WFDB's symbol of a paced beat; EC57 leaves records with paced beats out of beat classes."""
SKIP_S, SKIP_FROM_S = 300.0, 600.0
"""EC57 excludes the first five minutes; a recording no longer than ten is scored whole."""


TAIL_S = 3.2
"""Missing signal behind the end, so that the last beats have their class."""


@dataclass(frozen=True, slots=True)
class Scored:
    """Counts of one recording."""

    name: str
    skip_s: float
    counts: np.ndarray  # int64 (6, 6): see ec57.confusion
    unclassed: str  # why it is left out of beat classes; empty where it is not


def evaluate_beats(
    folder: Path,
    head_of: Callable[[str], Head | None],
    skip_s: float | None = None,
    records: Sequence[str] | None = None,
    worst: Worst | None = None,
) -> dict[str, Any]:
    """Gross, average and per-record figures of QRS, VEB and SVEB over the annotated records (``.atr``) of a folder.

    ``head_of`` names the head that may class a record's beats, None where none may. Ventricular flutter and
    fibrillation are excluded, and the first ``skip_s``: unset, five minutes of a record longer than ten. ``worst`` is
    offered what is wrong. Raises RecordError when there is nothing to score or a record cannot be read.
    """
    names = record_names(folder, "atr") if records is None else list(records)
    if not names:
        raise RecordError(f"{folder} holds no WFDB record with .atr annotations; name a folder that does.")
    return _result([_score(folder / name, head_of(name), skip_s, worst) for name in over_records(names, "beats")])


def find_beats(record: Record, head: Head | None) -> BeatList:
    """The beats of a whole record with their classes, by rules and head; those found in noise are unclassifiable."""
    block = condition(record, tail_s=TAIL_S)
    found = Rhythm(1).step(block)
    fibrillates = StripRhythms(shipped_rhythm_head(), 1).step(block, found.beats).fibrillates
    told, in_noise = BeatClasses(1, head).step(found.beats, block, fibrillates), found.beats_in_noise.sample
    sample = np.concatenate([told.sample, in_noise])
    label = np.concatenate([told.label, np.full(len(in_noise), CLASSES.index("Q"))])
    order = np.argsort(sample, kind="stable")
    return BeatList(sample[order] / GRID_HZ, label[order])


def _score(path: Path, head: Head | None, skip_s: float | None, worst: Worst | None) -> Scored:
    record, annotations = read_record(path), read_annotations(path)
    if skip_s is None:
        skip_s = SKIP_S if record.duration_s > SKIP_FROM_S else 0.0
    reference = reference_beats(annotations.time_s, annotations.symbol)
    excluded = flutter_intervals(annotations, record.duration_s)
    found = find_beats(record, head)
    counts = confusion(reference, found, skip_s, record.duration_s, excluded)
    paced = "paced" if PACED in annotations.symbol else ""
    unclassed = paced or ("" if head else "seen by the head")
    if worst:
        looked_at = partial(is_counted, skip_s=skip_s, stop_s=record.duration_s, excluded_s=excluded)
        offer_beats(worst, record, compare(reference, found, looked_at, with_classes=not unclassed))
    return Scored(path.name, skip_s, counts, unclassed)


def _result(scored: Sequence[Scored]) -> dict[str, Any]:
    """QRS over all records, classes over those that may be classed."""
    names = [one.name for one in scored]
    result = summary(names, [one.counts for one in scored], with_classes=False)
    classed = [one for one in scored if not one.unclassed]
    of_classes = summary([one.name for one in classed], [one.counts for one in classed])
    undefined = figures(np.zeros((NO_BEAT + 1,) * 2, np.int64))
    for kind in ("veb", "sveb"):
        result["gross"][kind] = of_classes["gross"][kind]
        result["average"][kind] = of_classes["average"][kind]
    by_name = {record["record"]: record for record in of_classes["records"]}
    for record, one in zip(result["records"], scored, strict=True):
        of = by_name.get(one.name, undefined)
        record |= {"veb": of["veb"], "sveb": of["sveb"], "skip_s": one.skip_s, "unclassed": one.unclassed}
    return result | {"sets": {"qrs": names, "veb_sveb": [one.name for one in classed]}}


def flutter_intervals(annotations: Annotations, duration_s: float) -> list[tuple[float, float]]:
    """Spans (s) between the annotations "[" and "]" of ventricular flutter or fibrillation."""
    intervals, start = [], None
    for time_s, symbol in zip(annotations.time_s.tolist(), annotations.symbol.tolist(), strict=True):
        if symbol == "[" and start is None:
            start = time_s
        elif symbol == "]":
            intervals.append((start or 0.0, time_s))
            start = None
    return intervals if start is None else [*intervals, (start, duration_s)]


def beats_table(result: dict[str, Any]) -> Table:
    """What ``evaluate_beats`` found, for people."""
    skips = {record["skip_s"] for record in result["records"]}
    excluded = " or ".join(f"{skip:g}" for skip in sorted(skips))
    table = Table(title=f"Beats, EC57, first {excluded} s of each record excluded")
    shares = ("Se %", "+P %")
    for heading in ("record", "beats", "missed", "extra", *shares, "VEB", *shares, "SVEB", *shares, ""):
        table.add_column(heading, justify="left" if heading in ("record", "") else "right")
    for record in result["records"]:
        table.add_row(record["record"], *_cells(record), record["unclassed"])
    table.add_section()
    classed = f"classes: {len(result['sets']['veb_sveb'])} records"
    table.add_row("gross", *_cells(result["gross"]), classed, style="bold")
    average = [percent(result["average"][kind][which]) for kind in ("qrs", "veb", "sveb") for which in ("se", "ppv")]
    table.add_row("average", "", "", "", *average[:2], "", *average[2:4], "", *average[4:], "")
    return table


def _cells(of: dict[str, Any]) -> list[str]:
    qrs = [str(of["qrs"]["tp"] + of["qrs"]["fn"]), str(of["qrs"]["fn"]), str(of["qrs"]["fp"])]
    return [*qrs, *_shares(of["qrs"]), *_ectopic(of["veb"]), *_ectopic(of["sveb"])]


def _ectopic(figure: dict[str, Any]) -> list[str]:
    return [str(figure["tp"] + figure["fn"]), *_shares(figure)]


def _shares(figure: dict[str, Any]) -> list[str]:
    return [percent(figure["se"]), percent(figure["ppv"])]


def percent(value: float | None) -> str:
    """A figure as tables show it; a dash where nothing defines it."""
    return "–" if value is None else f"{value:.2f}"
