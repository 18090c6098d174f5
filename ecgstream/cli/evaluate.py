"""``ecgstream evaluate``: the field's own scores, through the daemon's own code."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .console import console, print_table, told

if TYPE_CHECKING:
    from ..evaluation.cases import Worst
    from ..evaluation.report import Report

app = typer.Typer(no_args_is_help=True, help="Score the pipeline on annotated recordings, streaming.")

AnnotatedFolder = Annotated[Path, typer.Argument(help="Folder, or tar of one, of WFDB records with .atr annotations.")]
HeadFolder = Annotated[Path | None, typer.Option("--head", help="Head directory; unset: the shipped one.")]
JsonFile = Annotated[Path | None, typer.Option("--json", help="Write the scores here as JSON.")]
ReportFile = Annotated[Path | None, typer.Option("--report", help="Write an HTML file with the worst cases drawn.")]
ModelFolder = Annotated[Path | None, typer.Option("--model", help="Model directory; unset means the shipped one.")]
CrossValidate = Annotated[
    bool, typer.Option("--cross-validate", help="Score seen records too, each by what is fitted without its fold.")
]
AllowSeen = Annotated[bool, typer.Option("--allow-seen", help="Score seen records too; the output says so.")]


@app.command()
def beats(
    folder: AnnotatedFolder,
    skip_s: Annotated[
        float | None,
        typer.Option(help="Excluded at the start of each record. Unset: 300 (EC57), 0 where it is no longer than 600."),
    ] = None,
    head_folder: HeadFolder = None,
    cross_validate: CrossValidate = False,
    allow_seen: AllowSeen = False,
    json_file: JsonFile = None,
    report: ReportFile = None,
) -> None:
    """QRS by the rules on every record; VEB and SVEB by the beat head on those it has not seen. EC57."""
    from ..evaluation.beat_heads import heads_for
    from ..evaluation.beats import evaluate_beats
    from ..evaluation.cases import Worst
    from ..evaluation.folders import recordings_in
    from ..evaluation.reports import beats_report

    with told(), recordings_in(folder) as records:
        heads = heads_for(records, head_folder, cross_validate, allow_seen)
        scores = evaluate_beats(records, heads.of, skip_s, worst=(worst := Worst()))
        result = scores | {"head": heads.version, "classed": heads.said}
        _say(result, beats_report(result), worst, json_file, report)
        console.print(f"Classes by {heads.version}: {heads.said}.", highlight=False)


class Kind(StrEnum):
    """Which episodes are scored."""

    LETHAL = "lethal"
    VF = "vf"
    AF = "af"


@app.command()
def episodes(
    folder: AnnotatedFolder,
    kind: Annotated[
        Kind, typer.Option(help="lethal: what is told, how late, and without cause. vf, af: segments and episodes.")
    ] = Kind.LETHAL,
    head_folder: HeadFolder = None,
    cross_validate: CrossValidate = False,
    allow_seen: AllowSeen = False,
    json_file: JsonFile = None,
    report: ReportFile = None,
) -> None:
    """Episodes that annotations prove: told or missed, how late, and what was told without cause."""
    from ..evaluation.af_episodes import evaluate_af
    from ..evaluation.cases import Worst
    from ..evaluation.episodes import conditions_table, episodes_summary, evaluate_episodes
    from ..evaluation.fibrillation import evaluate_fibrillation
    from ..evaluation.fibrillation_heads import fibrillation_heads
    from ..evaluation.folders import recordings_in
    from ..evaluation.reports import af_report, fibrillation_report, lethal_report

    worst = Worst()
    if kind is Kind.AF:
        with told():
            result = evaluate_af(folder, allow_seen, head_folder, worst)
            _say(result, af_report(result), worst, json_file, report)
        return
    with told(), recordings_in(folder) as records:
        heads = fibrillation_heads(records, head_folder, cross_validate, allow_seen)
        if kind is Kind.VF:
            result = evaluate_fibrillation(records, heads.of, worst) | {"head": heads.said}
            _say(result, fibrillation_report(result), worst, json_file, report)
        else:
            result = evaluate_episodes(records, heads.of, worst=worst) | {"head": heads.said}
            _say(result, lethal_report(result), worst, json_file, report)
            console.print(conditions_table(result))
            console.print(episodes_summary(result), highlight=False)
        console.print(f"Fibrillation head: {heads.said}.", highlight=False)


@app.command()
def quality(
    folder: Annotated[Path, typer.Argument(help="Folder, or tar of one, in the layout of CinC 2011.")],
    head_folder: HeadFolder = None,
    cross_validate: CrossValidate = False,
    allow_seen: AllowSeen = False,
    json_file: JsonFile = None,
    report: ReportFile = None,
) -> None:
    """Whole records, acceptable or unacceptable, by the quality head: accuracy and AUC."""
    from ..evaluation.cases import Worst
    from ..evaluation.quality import evaluate_quality
    from ..evaluation.reports import quality_report

    with told():
        result = evaluate_quality(folder, Path(".cache"), cross_validate, allow_seen, head_folder, worst := Worst())
        _say(result, quality_report(result), worst, json_file, report)


@app.command()
def rhythm(
    folder: Annotated[Path, typer.Argument(help="Folder, or tar of one, in the layout of CinC 2017.")],
    head_folder: HeadFolder = None,
    cross_validate: CrossValidate = False,
    allow_seen: AllowSeen = False,
    json_file: JsonFile = None,
    report: ReportFile = None,
) -> None:
    """Rhythms of strips (N, A, O, noise) by the rhythm head: F1 as in CinC 2017."""
    from ..evaluation.cases import Worst
    from ..evaluation.reports import rhythm_report
    from ..evaluation.rhythm import evaluate_rhythm

    with told():
        result = evaluate_rhythm(folder, Path(".cache"), cross_validate, allow_seen, head_folder, worst := Worst())
        _say(result, rhythm_report(result), worst, json_file, report)


@app.command()
def alarms(
    folder: Annotated[Path, typer.Argument(help="Folder, or tar of one, in the layout of CinC 2015.")],
    head_folder: HeadFolder = None,
    cross_validate: CrossValidate = False,
    allow_seen: AllowSeen = False,
    json_file: JsonFile = None,
    report: ReportFile = None,
) -> None:
    """Verdicts on monitors' alarms, each from what came before it: the score of CinC 2015."""
    from ..evaluation.alarm_cases import offer_alarms
    from ..evaluation.alarms import evaluate_alarms
    from ..evaluation.cases import Worst
    from ..evaluation.reports import alarms_report
    from ..heads import load_head
    from ..verdicts.verdicts import NAME

    with told():
        result, judged = evaluate_alarms(folder, load_head(NAME, head_folder), cross_validate, allow_seen)
        offer_alarms(worst := Worst(), judged)
        _say(result, alarms_report(result), worst, json_file, report)


@app.command()
def model(
    data: Annotated[Path, typer.Argument(help="Folder with mitdb, vfdb, ptbxl, … in WFDB form.")],
    model_folder: ModelFolder = None,
    json_file: JsonFile = None,
) -> None:
    """Every figure of the model card, on records kept from training: beats, diagnoses, AF, VT, VF, noise."""
    from ..diagnosis.loader import load_model
    from ..evaluation.model_card import measure, results_table

    with told():
        result = measure(load_model(model_folder), data, Path(".cache"))
        print_table(results_table(result))
        _write(result, json_file)


@app.command()
def diagnosis(
    folder: Annotated[
        Path, typer.Argument(help="Folder, or tar of one, in PTB-XL's layout, or of WFDB records with `Dx:` lines.")
    ],
    model_name: Annotated[
        str | None,
        typer.Option(
            "--model", help="Model directory, or name of a shipped model, such as streaming; unset: the best."
        ),
    ] = None,
    allow_seen: AllowSeen = False,
    json_file: JsonFile = None,
    calibration: Annotated[Path | None, typer.Option(help="Draw the calibration plot here, as PNG.")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda or auto.")] = "cpu",
) -> None:
    """Diagnoses of whole recordings: macro AUC and F1 of all statements, superclasses and rhythms, with intervals.

    Of a model of several members each record is judged by those that have not seen it.
    """
    from ..evaluation.calibration import draw_calibration
    from ..evaluation.diagnosis import diagnosis_scores, diagnosis_table, judge, labels_table
    from ..evaluation.diagnosis_models import open_diagnosis_model
    from ..evaluation.folders import recordings_in
    from ..labelled.reading import read_labelled

    with told(), recordings_in(folder) as headers:
        model = open_diagnosis_model(model_name, device)
        judged = judge(read_labelled(folder if folder.is_dir() else headers), model, allow_seen)
        result = diagnosis_scores(judged)
        print_table(labels_table(result))
        print_table(diagnosis_table(result))
        _write(result, json_file)
        if calibration:
            title = f"{judged.model}, {len(judged.records)} recordings"
            draw_calibration(judged.truth, judged.probability, title, calibration)


def _say(
    result: dict[str, Any], report: Report, worst: Worst, json_file: Path | None, report_file: Path | None
) -> None:
    """Print the table; write the scores, and the report with the worst cases, where that is wished."""
    print_table(report.table)
    _write(result, json_file)
    if report_file:
        from ..evaluation.report import html_report

        report_file.write_text(html_report(report, worst), encoding="utf-8")


def _write(result: dict[str, Any], json_file: Path | None) -> None:
    if json_file:
        json_file.write_text(json.dumps(result, indent=1))
