"""The model card: written from what ``measure`` finds, so that it states what ``ecgstream evaluate`` prints."""

from __future__ import annotations

import json
from itertools import chain
from pathlib import Path
from typing import Any

from rich.table import Table

from ..diagnosis import Model
from ..diagnosis.distribution import CARD_SHEET
from ..diagnosis.loader import load_model
from ..training.predict import Prediction, predict
from ..training.train import Examples, read_examples, validation_examples
from .model_beats import DS2, score_model_beats
from .model_scores import score_af, score_diagnoses, score_noise, score_ventricular
from .score_distribution import score_distribution

CARD = "card.md"
Told = dict[str, list[Prediction]]
"""By data set, in the order of its examples."""
_LABELS = {"veb": "Ventricular beats (VEB)", "sveb": "Supraventricular beats (SVEB)"}


def measure(model: Model, data: Path, cache: Path) -> dict[str, Any]:
    """Every figure of the card, on records that the weights were not trained on."""
    kept = validation_examples(read_examples(data, cache))
    return measure_told(model, data, kept, told_of(model, kept))


def told_of(model: Model, kept: Examples) -> Told:
    """What the model says of each example."""
    return {name: predict(model, examples) for name, examples in kept.items()}


def measure_told(model: Model, data: Path, kept: Examples, told: Told) -> dict[str, Any]:
    """Every figure of the card, where the model has been asked about the examples ``kept`` from training already."""
    beats, manifest = score_model_beats(data / "mitdb", model, DS2), model.manifest
    return {
        "model": model.version,
        "beats": {"records": list(DS2), "gross": beats["gross"], "average": beats["average"]},
        "diagnoses": score_diagnoses(kept["ptbxl"], told["ptbxl"]),
        "af": score_af(manifest, kept["cinc2017"], told["cinc2017"]),
        "noise": score_noise(manifest, kept["cinc2011"], told["cinc2011"]),
        "ventricular": score_ventricular(manifest, kept["vfdb"], told["vfdb"]),
        "scores": score_distribution(manifest, chain.from_iterable(told.values())),
    }


def write_card(folder: Path, sheet: dict[str, Any], training: dict[str, Any]) -> None:
    """Write ``card.md`` and the figures behind it, ``card.json``, into a model directory."""
    manifest = load_model(folder, "cpu").manifest
    (folder / CARD_SHEET).write_text(json.dumps({**sheet, "training": training}, indent=1) + "\n")
    facts = {
        "version": sheet["model"],
        "parameters": f"{manifest.n_parameters / 1e6:.2f} million",
        "state_kb": f"{manifest.n_state * 4 / 1000:.0f}",
        "size_mb": f"{(folder / 'encoder.pt').stat().st_size / 1e6:.1f}",
        "beat_delay_s": manifest.beat_delay_s,
        "settling_s": manifest.settling_hops / 5,
        "results": "\n".join(f"| {' | '.join(row)} |" for row in figures(sheet)),
        "superclasses": _aucs(sheet["diagnoses"]["superclass_auc"]),
        "statements": _aucs(sheet["diagnoses"]["statement_auc"]),
        **training,
    }
    (folder / CARD).write_text((Path(__file__).parent / "model_card.md").read_text().format(**facts))


def results_table(sheet: dict[str, Any]) -> Table:
    """What ``measure`` found, for people."""
    table = Table("what", "on", "figures", title=sheet["model"])
    for row in figures(sheet):
        table.add_row(*row)
    return table


def figures(sheet: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Every figure as (what, on which records, figures)."""
    gross, told, ventricular = sheet["beats"]["gross"], sheet["diagnoses"], sheet["ventricular"]
    beats = [
        (label, "MITDB DS2, EC57, gross", f"Se {_p(gross[key]['se'])}, +P {_p(gross[key]['ppv'])}")
        for key, label in _LABELS.items()
    ]
    return [
        *beats,
        ("Superclasses", f"PTB-XL fold 8, {told['records']} records", f"macro AUC {told['superclass_macro_auc']}"),
        ("Statements", "the same", f"macro AUC {told['statement_macro_auc']}"),
        ("Atrial fibrillation", "CinC 2017, kept records", _line(sheet["af"])),
        ("VF and flutter", "vfdb, kept records, 5 s segments, those of VT aside", _line(ventricular["rhythm.vf"])),
        ("VT", "the same, those of VF aside", _line(ventricular["rhythm.vt"])),
        ("Unacceptable quality", "CinC 2011, kept records", _line(sheet["noise"])),
    ]


def _line(figures: dict[str, Any]) -> str:
    counts = f"{figures['positive']} of {figures['cases']}"
    return f"AUC {figures['auc']}; at {figures['threshold']}: Se {figures['se']}, Sp {figures['sp']} ({counts})"


def _aucs(values: dict[str, float]) -> str:
    return ", ".join(f"{name} {value}" for name, value in sorted(values.items(), key=lambda item: -item[1]))


def _p(percent: float | None) -> str:
    return "undefined" if percent is None else f"{percent:.1f}"
