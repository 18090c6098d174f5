"""Fits the head of verdicts on every recording there is, scores it by folds, and writes both down."""

from __future__ import annotations

from pathlib import Path

from ..verdicts.fitting import fit_head
from .alarm_records import read_alarms
from .alarms import TYPES, cross_validated, examples_of, judge_records, score
from .folders import recordings_in


def train(path: Path, out: Path) -> dict:
    """Fit on the recordings in a folder or tar, write head and card to ``out``; the scores by folds.

    Raises RecordError when there are none.
    """
    with recordings_in(path) as folder:
        judged = judge_records(folder, read_alarms(folder), None)
    result = score(cross_validated(judged)) | {"records_are": "cross-validated"}
    manifest = fit_head(examples_of(judged), out)
    (out / "card.md").write_text(_card(result, manifest.thresholds, manifest.sha256))
    return result


def _card(result: dict, thresholds: dict[str, float], sha256: str) -> str:
    rows = [
        f"| {name} | {found['tp']} | {found['fp']} | {found['fn']} | {found['tn']} | {_of(found['score'])} |"
        for name, found in [(key, result["per_type"][key]) for key in TYPES.values()] + [("all", result)]
    ]
    bins = [f"| {one['n']} | {one['told']:.2f} | {one['true']:.2f} |" for one in result["calibration"]["bins"]]
    return "\n".join(
        [
            f"# Head card: verdicts@{sha256[:12]}",
            "",
            "**Not a medical device.** A second opinion on alarms that a monitor raised; it silences none.",
            "",
            "Gradient-boosted trees over named features of the 25 s before an alarm: beats of all leads together and",
            "of each, pulses in pleth and arterial pressure, the patient's own usual beat, waves. Told is the",
            f"probability that the alarm is true; from {thresholds['true']} on it is called true: a miss costs five",
            "false ones.",
            "",
            f"Fitted on {result['alarms']} recordings of the PhysioNet/CinC Challenge 2015 (Clifford et al. 2015,",
            "ODC-BY 1.0); `manifest.json` names them. Fit again: `ecgstream heads alarms DATA`.",
            "",
            "## By folds of the records",
            "Each record judged by trees that were fitted, and a threshold that was chosen, without its fold.",
            "",
            "| alarm | TP | FP | FN | TN | challenge score |",
            "|---|---|---|---|---|---|",
            *rows,
            "",
            f"Brier score {result['calibration']['brier']}. Probability told, and how often such alarms were true:",
            "",
            "| alarms | told | true |",
            "|---|---|---|",
            *bins,
            "",
        ]
    )


def _of(score: float | None) -> str:
    return "–" if score is None else f"{score:.1f}"
