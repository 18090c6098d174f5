"""What a lower precision of the encoder's products changes: in its scores, and in every figure of its card."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from ..diagnosis.loader import load_model, load_untried
from ..model_folder import MANIFEST
from ..training.predict import Prediction
from ..training.train import read_examples, validation_examples
from .model_card import figures, measure_told, told_of

SHARES = (0.5, 0.99, 0.999)


def measure_precision(folder: Path, data: Path, cache: Path, precision: str) -> dict[str, Any]:
    """Both precisions on the records kept from training. Raises ModelError, RecordError."""
    full, lowered = load_model(folder, "cpu"), load_untried(folder, "cpu", precision)
    kept = validation_examples(read_examples(data, cache))
    told = [(model, told_of(model, kept)) for model in (full, lowered)]
    sheets = {model.precision: figures(measure_told(model, data, kept, said)) for model, said in told}
    one, other = ([each for some in said.values() for each in some] for _, said in told)
    differences = score_differences(one, other, full.manifest.settling_hops)
    return {"model": full.version, "precision": precision, **differences, **sheets}


def score_differences(one: Sequence[Prediction], other: Sequence[Prediction], settling_hops: int) -> dict[str, Any]:
    """Absolute differences of all scores after settling: the greatest, and those that shares of all do not exceed."""
    differences = np.concatenate(
        [np.abs(a.scores - b.scores)[settling_hops:].ravel() for a, b in zip(one, other, strict=True)]
    )
    return {
        "records": len(one),
        "scores": len(differences),
        "greatest": round(float(differences.max()), 5),
        "share_at_most": {str(share): round(float(np.quantile(differences, share)), 6) for share in SHARES},
    }


def state_in_manifest(folder: Path, found: dict[str, Any]) -> None:
    """Write the greatest difference into the model's manifest, for loads to go by."""
    path = folder / MANIFEST
    stated = json.loads(path.read_text())
    stated["differences"] = {**stated.get("differences", {}), found["precision"]: found["greatest"]}
    path.write_text(json.dumps(stated, indent=2) + "\n")


def precision_table(found: dict[str, Any]) -> Table:
    """For people: every figure of the card in both."""
    precision = found["precision"]
    table = Table("what", "on", "fp32", precision, title=f"{found['model']}, products in {precision}")
    shares = ", ".join(f"{float(share):.1%} within {most}" for share, most in found["share_at_most"].items())
    table.add_row("greatest change of a score", f"{found['records']} records", "", f"{found['greatest']}; {shares}")
    for (what, on, full), (_, _, lowered) in zip(found["fp32"], found[precision], strict=True):
        table.add_row(what, on, full, lowered)
    return table
