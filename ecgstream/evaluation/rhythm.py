"""Rhythms of strips: normal, atrial fibrillation, another or noise, against what people said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.table import Table

from ..heads import load_head
from ..heads.rhythm.examples import CLASSES, read_examples, read_labels
from ..heads.rhythm.scores import score
from ..heads.rhythm.training import NAME, cross_validated
from .cases import Case, Worst, traces_of
from .folders import recordings_in
from .records import Record, read_record
from .seen import check_unseen

SHOWN_S = 30.0


def evaluate_rhythm(
    path: Path,
    cache: Path,
    cross_validate: bool = False,
    allow_seen: bool = False,
    head_folder: Path | None = None,
    worst: Worst | None = None,
) -> dict[str, Any]:
    """``f1``, ``f1_mean`` and confusion of the rhythm head on a folder, or tar, in the layout of CinC 2017.

    ``worst`` is offered what is wrong. Raises RecordError for records without labels, or that the head has seen;
    ModelError for a head of no use.
    """
    head = load_head(NAME, head_folder)
    with recordings_in(path) as folder:
        check_unseen(head.manifest.seen, list(read_labels(folder)), allow_seen or cross_validate)
        examples = read_examples(folder, cache)
        if cross_validate:
            probability, by = cross_validated(examples), "five folds"
        else:
            probability, by = head.probability(examples.features), head.version
        result = score(examples.records, examples.label, probability)
        if worst:
            _offer(worst, folder, result["records"])
    return result | {"by": by, "seen_allowed": allow_seen and not cross_validate}


def _offer(worst: Worst, folder: Path, strips: list[dict[str, Any]]) -> None:
    """What is drawn: strips of another rhythm than was said, the surest first."""
    for strip in strips:
        chance = dict(zip(CLASSES, strip["probability"], strict=True))
        if strip["said"] != strip["was"]:
            badness = chance[strip["said"]] - chance[strip["was"]]
            worst.offer(
                badness, strip["record"], lambda strip=strip: _case(read_record(folder / strip["record"]), strip)
            )


def _case(record: Record, strip: dict[str, Any]) -> Case:
    chances = ", ".join(f"{name} {chance:.2f}" for name, chance in zip(CLASSES, strip["probability"], strict=True))
    title = f"{record.name}: said {strip['said']}, was {strip['was']}"
    return Case(title, f"Probabilities: {chances}.", 0.0, traces_of(record, 0.0, min(record.duration_s, SHOWN_S), 1))


def rhythm_table(result: dict[str, Any]) -> Table:
    """What ``evaluate_rhythm`` found, for people."""
    seen = "; SEEN RECORDS ALLOWED" if result["seen_allowed"] else ""
    table = Table(title=f"Rhythm of strips, CinC 2017, {result['n']} records, by {result['by']}{seen}")
    for heading in ("", *(f"was {name}" for name in CLASSES)):
        table.add_column(heading, justify="right" if heading else "left")
    for said, counts in result["confusion"].items():
        table.add_row(f"said {said}", *(str(counts[name]) for name in CLASSES))
    table.add_section()
    table.add_row("F1", *(_figure(value) for value in result["f1"].values()), style="bold")
    table.add_row("mean of N, A, O", _figure(result["f1_mean"]), style="bold")
    return table


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
