"""``ecgstream explain``: what a score of a recording, or of an alert's strip, rests on."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import RecordError
from .console import console, print_table, told
from .export import ALERTS
from .strip import read_alert

if TYPE_CHECKING:
    from ..explanations.explanation import Explanation


class By(StrEnum):
    """How contributions are found."""

    GRADIENTS = "gradients"
    OCCLUSION = "occlusion"


def explain(
    source: Annotated[
        Path, typer.Argument(help="A saved alert (.pb, .json; - reads standard input), or a recording of any format.")
    ],
    out: Annotated[Path | None, typer.Option(help="The picture: .svg or .png.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="The numbers.")] = None,
    score: Annotated[
        str | None, typer.Option(help="CLBBB, rhythm.vf, …; unset: the alert's own, or the likeliest.")
    ] = None,
    at_s: Annotated[
        float | None, typer.Option("--at", min=0, help="Explain the score stated then, s; unset: at the end.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="A model directory, or a shipped network by name; unset: the shipped encoder.")
    ] = None,
    by: Annotated[
        By | None,
        typer.Option(help="Integrated gradients, or (slower) occlusion; unset: gradients where there are any."),
    ] = None,
    mains_hz: Annotated[int, typer.Option(help="As conditioning.mains_hz.")] = 50,
) -> None:
    """Say which leads, waves and moments a score rests on: on ECG paper and as numbers. Not for diagnosis."""
    with told():
        explanation = _explain(source, score, at_s, model, by, mains_hz)
        _write(explanation, out, json_file)
    _print(explanation)


def _explain(
    source: Path, score: str | None, at_s: float | None, model: str | None, by: By | None, mains_hz: int
) -> Explanation:
    from ..evaluation.records import read_record
    from ..explanations.alert import decided_s, record_of_alert, score_of_alert
    from ..explanations.explanation import explain
    from ..explanations.probe import load_probe
    from ..explanations.window import window_of

    probe, method = load_probe(model), by.value if by else None
    if str(source) == "-" or source.suffix.lower() in ALERTS:
        alert = read_alert(source)
        window = window_of(record_of_alert(alert), decided_s(alert) if at_s is None else at_s, mains_hz)
        return explain(probe, window, score or score_of_alert(alert), method)
    return explain(probe, window_of(read_record(source), at_s, mains_hz), score, method, marks=source)


def _write(explanation: Explanation, out: Path | None, json_file: Path | None) -> None:
    from ..alert_strips.draw import FORMATS
    from ..explanations.picture import draw_explanation

    if out and out.suffix.removeprefix(".") not in FORMATS:
        raise RecordError(f"The picture {out} must end in {' or '.join('.' + known for known in FORMATS)}.")
    try:
        if out:
            out.write_bytes(draw_explanation(explanation, out.suffix.removeprefix(".")))
        if json_file:
            json_file.write_text(json.dumps(explanation.document(), indent=1) + "\n")
    except OSError as error:
        raise RecordError(f"{error.filename} cannot be written ({error.strerror}); name another place.") from error


def _print(explanation: Explanation) -> None:
    from rich.table import Table

    document = explanation.document()
    table = Table(title=f"{explanation.score} {explanation.probability:.3f} by {explanation.model}")
    table.add_column("lead")
    for column in (*document["all"], "against"):
        table.add_column(f"for: {column}" if column == "all" else column, justify="right")
    for lead, sums in (*document["leads"].items(), ("all leads", document["all"])):
        against = sums["all"]["against"]
        table.add_row(lead, *(f"{part['for']:.2f}" for part in sums.values()), f"{against:.2f}")
    print_table(table)
    console.print(
        f"In logits: from {explanation.logit_of_nothing:+.2f} (leads at 0 mV) to {explanation.logit:+.2f}; "
        f"{document['not_accounted_for']:+.3f} not accounted for. Waves by {explanation.waves_by}. Not for diagnosis."
    )
