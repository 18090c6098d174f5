"""QRS detection by rules alone on annotated recordings, scored by EC57."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from rich.table import Table

from ..errors import RecordError
from ..waveform import GRID_HZ
from .ec57 import BeatList, confusion, reference_beats, summary
from .progress import over_records
from .records import Annotations, read_annotations, read_record, record_names
from .runner import run_rules


def evaluate_beats(folder: Path, skip_s: float = 300.0, records: list[str] | None = None) -> dict:
    """Gross, average and per-record QRS figures of the records with ``.atr`` annotations in a folder.

    Ventricular flutter and fibrillation are excluded, and the first ``skip_s``. Raises RecordError when there is
    nothing to score or a record cannot be read.
    """
    names = record_names(folder, "atr") if records is None else records
    if not names:
        raise RecordError(f"{folder} holds no WFDB record with .atr annotations; name a folder that does.")
    counts = [_score(folder / name, skip_s) for name in over_records(names, "beats, by rules")]
    return {"skip_s": skip_s, **summary(names, counts, with_classes=False)}


def _score(path: Path, skip_s: float) -> np.ndarray:
    record, annotations = read_record(path), read_annotations(path)
    found = BeatList(run_rules(record).beats.sample / GRID_HZ)
    reference = reference_beats(annotations.time_s, annotations.symbol)
    return confusion(reference, found, skip_s, record.duration_s, flutter_intervals(annotations, record.duration_s))


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


def beats_table(result: dict) -> Table:
    """What ``evaluate_beats`` found, for people."""
    table = Table(title=f"QRS detection, EC57, first {result['skip_s']:g} s excluded")
    for heading in ("record", "beats", "missed", "extra", "Se %", "+P %"):
        table.add_column(heading, justify="left" if heading == "record" else "right")
    for record in result["records"]:
        table.add_row(record["record"], *_cells(record["qrs"]))
    table.add_section()
    table.add_row("gross", *_cells(result["gross"]["qrs"]), style="bold")
    average = result["average"]["qrs"]
    table.add_row("average", "", "", "", percent(average["se"]), percent(average["ppv"]))
    return table


def _cells(qrs: dict) -> list[str]:
    return [str(qrs["tp"] + qrs["fn"]), str(qrs["fn"]), str(qrs["fp"]), percent(qrs["se"]), percent(qrs["ppv"])]


def percent(value: float | None) -> str:
    """A figure as tables show it; a dash where nothing defines it."""
    return "–" if value is None else f"{value:.2f}"
