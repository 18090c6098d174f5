"""VEB and SVEB by the model, on the records of a folder that its weights have not seen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rich.table import Table

from ..diagnosis import load_model
from ..diagnosis.loader import SHIPPED
from ..errors import ModelError
from ..training.train import RECORDS
from .beats import percent
from .model_beats import score_model_beats
from .records import read_annotations, record_names

PACED = "/"
"""WFDB's symbol of a paced beat; EC57 leaves records with paced beats out of beat classes."""


def evaluate_classes(folder: Path, skip_s: float = 300.0, model_folder: Path | None = None) -> dict[str, Any]:
    """EC57 figures of VEB and SVEB: ``names`` of the records scored, then ``gross``, ``average`` and ``records``.

    Without an unseen record the figures are empty. Raises ModelError and RecordError.
    """
    names = unseen_records(folder, model_folder or SHIPPED)
    if not names:
        return {"names": [], "gross": {}, "average": {}, "records": []}
    return {"names": names, **score_model_beats(folder, load_model(model_folder), names, skip_s)}


def unseen_records(folder: Path, model_folder: Path) -> list[str]:
    """Annotated records of ``folder`` that may be scored for beat classes: never seen by the weights, and not paced.

    A folder named like a data set of the weights' list is held against that data set, any other against all of them.
    Raises ModelError when the list is missing.
    """
    seen = _seen(folder.resolve().name, model_folder)
    names = [name for name in record_names(folder, "atr") if name not in seen]
    return [name for name in names if PACED not in read_annotations(folder / name).symbol]


def _seen(dataset: str, model_folder: Path) -> set[str]:
    path = model_folder / RECORDS
    try:
        lists: dict[str, dict[str, list[str]]] = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ModelError(
            f"A model directory lists the records its weights have seen; {path} cannot be read ({error}). Without it "
            "nothing can be scored as unseen: copy the whole directory, or train again."
        ) from error
    every = [of[dataset] if dataset in of else [n for names in of.values() for n in names] for of in lists.values()]
    return {name for names in every for name in names}


def classes_table(result: dict[str, Any]) -> Table:
    """What ``evaluate_classes`` found, for people."""
    table = Table(title=f"Beat classes by the model, EC57, {len(result['names'])} records its weights have not seen")
    for heading in ("record", "VEB", "Se %", "+P %", "SVEB", "Se %", "+P %"):
        table.add_column(heading, justify="left" if heading == "record" else "right")
    for record in result["records"]:
        table.add_row(record["record"], *_cells(record["veb"]), *_cells(record["sveb"]))
    if result["names"]:
        table.add_section()
        table.add_row("gross", *_cells(result["gross"]["veb"]), *_cells(result["gross"]["sveb"]), style="bold")
    return table


def _cells(figure: dict[str, Any]) -> list[str]:
    return [str(figure["tp"] + figure["fn"]), percent(figure["se"]), percent(figure["ppv"])]
