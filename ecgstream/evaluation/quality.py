"""Record quality: acceptable or unacceptable, against what people said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from ..heads import load_head
from ..heads.quality.scores import CLASSES, score
from ..heads.quality.training import NAME, THRESHOLD, Examples, cross_validated, read_examples
from .cases import Case, Worst, traces_of
from .folders import recordings_in
from .records import Record, read_record
from .seen import check_unseen


def evaluate_quality(
    path: Path,
    cache: Path,
    cross_validate: bool = False,
    allow_seen: bool = False,
    head_folder: Path | None = None,
    worst: Worst | None = None,
) -> dict[str, Any]:
    """``accuracy`` and ``auc`` of the quality head on a folder, or tar, in the layout of CinC 2011; and every record.

    ``worst`` is offered what is wrong. Raises RecordError for records without labels, or that the head has seen;
    ModelError for a head of no use.
    """
    with recordings_in(path) as folder:
        examples = read_examples(folder, cache)
        if cross_validate:
            probability, threshold, by = cross_validated(examples), THRESHOLD, "five folds"
        else:
            head = load_head(NAME, head_folder)
            check_unseen(head.manifest.seen, examples.records, allow_seen)
            probability = head.probability(_columns(examples, head.manifest.features))[:, 1]
            threshold, by = head.manifest.thresholds[CLASSES[1]], head.version
        result = score(examples.records, examples.unacceptable, probability, threshold)
        if worst:
            _offer(worst, folder, result["records"], threshold)
    return result | {"by": by, "seen_allowed": allow_seen and not cross_validate}


def _offer(worst: Worst, folder: Path, scored: list[dict[str, Any]], threshold: float) -> None:
    """What is drawn: recordings called otherwise than by people, the surest first."""
    for one in scored:
        is_bad, chance = one["was"] == CLASSES[1], one["unacceptable"]
        if (chance >= threshold) != is_bad:
            worst.offer(
                abs(is_bad - chance), one["record"], lambda one=one: _case(read_record(folder / one["record"]), one)
            )


def _case(record: Record, one: dict[str, Any]) -> Case:
    text = f"People called it {one['was']}; told {one['unacceptable']:.0%} likely {CLASSES[1]}."
    return Case(record.name, text, 0.0, traces_of(record, 0.0, record.duration_s, len(record.leads)))


def _columns(examples: Examples, wanted: tuple[str, ...]) -> np.ndarray:
    """Features in the head's order; NaN for those that no record here has."""
    place = {name: k for k, name in enumerate(examples.names)}
    unknown = np.full(len(examples.records), np.nan)
    return np.stack([examples.features[:, place[name]] if name in place else unknown for name in wanted], 1)


def quality_table(result: dict[str, Any]) -> Table:
    """What ``evaluate_quality`` found, for people."""
    seen = "; SEEN RECORDS ALLOWED" if result["seen_allowed"] else ""
    table = Table(title=f"Record quality, {result['n']} records, by {result['by']}{seen}")
    for heading in ("", *(f"was {name}" for name in CLASSES)):
        table.add_column(heading, justify="right" if heading else "left")
    for said, counts in result["confusion"].items():
        table.add_row(said.replace("_", " "), *(str(counts[name]) for name in CLASSES))
    table.add_section()
    auc = "not defined" if result["auc"] is None else f"{result['auc']:.4f}"
    table.add_row("accuracy; AUC", f"{result['accuracy']:.4f}", auc, style="bold")
    return table
