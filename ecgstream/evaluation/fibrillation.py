"""Is ventricular fibrillation or flutter told, and only that? Rules and fibrillation head fused, as the daemon does.

Segments of 5 s tile the record from sample 0; those wholly of one rhythm count, each by the fused output at its last
sample. Ventricular tachycardia and noise are reported apart, outside sensitivity and specificity.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from ..errors import RecordError
from ..waveform import HOP_S, Condition
from .beats import percent
from .cases import Stretch, Worst, offer_stretches
from .fibrillation_heads import HeadOf
from .progress import over_records
from .records import Record, read_annotations, read_record, record_names
from .rhythm_spans import NOISE, OTHER, VF, VT, Span, rhythm_spans
from .runner import run_fused

SEGMENT_S = 5.0
LEAST_S = 4.0
"""Shorter episodes do not meet the definition."""
_BESIDE_S = 5.0
_ROUNDING_S = 1e-6
KINDS = (VF, OTHER, VT, NOISE)
COUNTS = (*(f"{kind}_{told}" for kind in KINDS for told in ("told", "not_told")), "episodes", "found", "told", "right")


def evaluate_fibrillation(folder: Path, head_of: HeadOf, worst: Worst | None = None) -> dict[str, Any]:
    """Se and Sp of segments, Se and +P of episodes, and what they were counted from, in all and by record.

    ``worst`` is offered what is wrong. Raises RecordError when no record has annotations with a rhythm.
    """
    names = record_names(folder, "atr")
    scores = [score for name in over_records(names, "fibrillation") for score in _score(folder / name, head_of, worst)]
    if not scores:
        raise RecordError(f"{folder} annotates no rhythm, such as (VFIB or (N, in any .atr; name a folder that does.")
    counts = {name: sum(score[name] for score in scores) for name in COUNTS}
    return {**figures(counts), "counts": counts, "records": scores}


def figures(counts: dict[str, int]) -> dict[str, dict[str, float | None]]:
    """The shares, in percent, that counts add up to; None where nothing defines them."""
    return {
        "segments": {
            "se": _share(counts[f"{VF}_told"], counts[f"{VF}_not_told"]),
            "sp": _share(counts[f"{OTHER}_not_told"], counts[f"{OTHER}_told"]),
            "vt_told": _share(counts[f"{VT}_told"], counts[f"{VT}_not_told"]),
            "noise_told": _share(counts[f"{NOISE}_told"], counts[f"{NOISE}_not_told"]),
        },
        "episodes": {
            "se": _share(counts["found"], counts["episodes"] - counts["found"]),
            "ppv": _share(counts["right"], counts["told"] - counts["right"]),
        },
    }


def _share(part: int, rest: int) -> float | None:
    return 100.0 * part / (part + rest) if part + rest else None


def _score(path: Path, head_of: HeadOf, worst: Worst | None) -> Iterator[dict[str, Any]]:
    annotations = read_annotations(path)
    record = read_record(path)
    spans = rhythm_spans(annotations, record.duration_s)
    if spans:
        told = run_fused(record, head_of(path.name)).evidence[0, :, Condition.VENTRICULAR_FIBRILLATION]
        if worst:
            _offer(worst, record, spans, told)
        yield {"record": path.name} | count(spans, told, record.duration_s)


def _offer(worst: Worst, record: Record, spans: list[Span], told: np.ndarray) -> None:
    """What is drawn: segments in a row that are wrong, with all that is annotated and told."""
    wrong = [
        (segment * SEGMENT_S, (segment + 1) * SEGMENT_S, "VF not told" if span.kind == VF else "VF told, other rhythm")
        for span in spans
        for segment, is_told in _segments(span, told)
        if span.kind in (VF, OTHER) and is_told != (span.kind == VF)
    ]
    annotated = [(span.start_s, span.stop_s, span.kind) for span in spans]
    runs = np.flatnonzero(np.diff(np.concatenate([[0], told, [0]]))).reshape(-1, 2) * HOP_S
    offer_stretches(worst, record, _in_a_row(wrong), annotated, [(a, b, VF) for a, b in runs.tolist()])


def _in_a_row(stretches: list[Stretch]) -> list[Stretch]:
    joined: list[Stretch] = []
    for start_s, stop_s, what in stretches:
        if joined and joined[-1][1:] == (start_s, what):
            start_s = joined.pop()[0]
        joined.append((start_s, stop_s, what))
    return joined


def _segments(span: Span, told: np.ndarray) -> Iterator[tuple[int, bool]]:
    """Segments wholly inside the span, and whether fibrillation is told at the last sample of each."""
    per_segment = round(SEGMENT_S / HOP_S)
    first = int(np.ceil((span.start_s - _ROUNDING_S) / SEGMENT_S))
    for segment in range(first, int((span.stop_s + _ROUNDING_S) / SEGMENT_S)):
        last = (segment + 1) * per_segment - 1
        if last < len(told):
            yield segment, bool(told[last])


def count(spans: list[Span], told: np.ndarray, duration_s: float) -> dict[str, int]:
    """All of COUNTS, from the spans of a recording and whether fibrillation is told, bool (hops,)."""
    counts = dict.fromkeys(COUNTS, 0)
    for span in spans:
        for _, is_told in _segments(span, told):
            counts[f"{span.kind}_{'told' if is_told else 'not_told'}"] += 1
    return counts | _count_episodes(spans, told, duration_s)


def _count_episodes(spans: list[Span], told: np.ndarray, duration_s: float) -> dict[str, int]:
    """An episode told is right where it touches fibrillation; one that touches only VT or noise is left out."""
    episodes = [span for span in spans if span.kind == VF and span.stop_s - span.start_s >= LEAST_S]
    edges = np.flatnonzero(np.diff(np.concatenate([[0], told, [0]]))).reshape(-1, 2)
    runs = [(a, b) for a, b in (edges * HOP_S).tolist() if a < duration_s]
    found = sum(any(a < e.stop_s and b > e.start_s for a, b in runs) for e in episodes)
    right = wrong = 0
    for a, b in runs:
        touched = {span.kind for span in spans if a < span.stop_s + _BESIDE_S and b > span.start_s}
        begun_in = next((span.kind for span in spans if span.start_s <= a < span.stop_s), OTHER)
        right += VF in touched
        wrong += VF not in touched and begun_in not in (VT, NOISE) and not touched & {VT, NOISE}
    return {"episodes": len(episodes), "found": found, "told": right + wrong, "right": right}


def fibrillation_table(result: dict[str, Any]) -> Table:
    """What ``evaluate_fibrillation`` found, for people; records without fibrillation told or there are left out."""
    table = Table(title=f"Ventricular fibrillation and flutter, segments of {SEGMENT_S:g} s")
    for heading in (
        "record",
        "VF",
        "Se %",
        "other",
        "Sp %",
        "VT told",
        "noise told",
        "episodes",
        "Se %",
        "told",
        "+P %",
    ):
        table.add_column(heading, justify="left" if heading == "record" else "right")
    for score in result["records"]:
        if score["episodes"] or score[f"{OTHER}_told"] or score["told"]:
            table.add_row(score["record"], *_cells(score))
    table.add_section()
    table.add_row("all", *_cells(result["counts"]), style="bold")
    return table


def _cells(counts: dict[str, int]) -> list[str]:
    of = figures(counts)
    sums = {kind: counts[f"{kind}_told"] + counts[f"{kind}_not_told"] for kind in KINDS}
    return [
        *(str(sums[VF]), percent(of["segments"]["se"]), str(sums[OTHER]), percent(of["segments"]["sp"])),
        *(f"{counts[f'{kind}_told']} of {sums[kind]}" for kind in (VT, NOISE)),
        *(str(counts["episodes"]), percent(of["episodes"]["se"])),
        *(str(counts["told"]), percent(of["episodes"]["ppv"])),
    ]
