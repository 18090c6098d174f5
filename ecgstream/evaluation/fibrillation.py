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
from .fibrillation_heads import HeadOf
from .progress import over_records
from .records import read_annotations, read_record, record_names
from .rhythm_spans import NOISE, OTHER, VF, VT, Span, rhythm_spans
from .runner import run_fused

SEGMENT_S = 5.0
LEAST_S = 4.0
"""Shorter episodes do not meet the definition."""
_BESIDE_S = 5.0
_ROUNDING_S = 1e-6
KINDS = (VF, OTHER, VT, NOISE)
COUNTS = (*(f"{kind}_{told}" for kind in KINDS for told in ("told", "not_told")), "episodes", "found", "told", "right")


def evaluate_fibrillation(folder: Path, head_of: HeadOf) -> dict[str, Any]:
    """Se and Sp of segments, Se and +P of episodes, and what they were counted from, in all and by record.

    Raises RecordError when no record has annotations with a rhythm.
    """
    names = record_names(folder, "atr")
    scores = [score for name in over_records(names, "fibrillation") for score in _score(folder / name, head_of)]
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


def _score(path: Path, head_of: HeadOf) -> Iterator[dict[str, Any]]:
    annotations = read_annotations(path)
    record = read_record(path)
    spans = rhythm_spans(annotations, record.duration_s)
    if spans:
        told = run_fused(record, head_of(path.name)).evidence[0, :, Condition.VENTRICULAR_FIBRILLATION]
        yield {"record": path.name} | count(spans, told, record.duration_s)


def count(spans: list[Span], told: np.ndarray, duration_s: float) -> dict[str, int]:
    """All of COUNTS, from the spans of a recording and whether fibrillation is told, bool (hops,)."""
    counts = dict.fromkeys(COUNTS, 0)
    per_segment = round(SEGMENT_S / HOP_S)
    for span in spans:
        first = int(np.ceil((span.start_s - _ROUNDING_S) / SEGMENT_S))
        for segment in range(first, int((span.stop_s + _ROUNDING_S) / SEGMENT_S)):
            last = (segment + 1) * per_segment - 1
            if last < len(told) and span.kind in KINDS:
                counts[f"{span.kind}_{'told' if told[last] else 'not_told'}"] += 1
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
