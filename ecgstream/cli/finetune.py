"""``ecgstream finetune``: a new diagnosis from a few dozen recordings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from .console import console, told

NAME = r"[A-Za-z][A-Za-z0-9_.-]{0,40}"


def finetune(
    recordings: Annotated[list[Path], typer.Argument(help="Recordings, or folders of them, of any format read.")],
    head: Annotated[str, typer.Option(help="Name of the new diagnosis, as it will be published.")],
    labels: Annotated[Path, typer.Option(help="CSV with the columns record, label (0 or 1) and, if known, patient.")],
    out: Annotated[Path | None, typer.Option(help="The head's directory; unset: runs/heads/NAME.")] = None,
    trunk: Annotated[
        str, typer.Option(help="A shipped network, or a model directory with --unfrozen.")
    ] = "foundation_cnn_0",
    unfrozen: Annotated[bool, typer.Option(help="Fine-tune the trunk, too: a larger file, and minutes.")] = False,
    seed: Annotated[int, typer.Option(help="Which recordings are for what; and all that is drawn.")] = 1,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
) -> None:
    """Fit a head for a new diagnosis, calibrate it, test it on recordings nothing was chosen on, and write it with its
    card.

    A running daemon with `diagnosis.heads` takes it up by `ecgstream models head NAME`.
    """
    import re

    from ..errors import RecordError
    from ..labelled.table import read_table
    from ..models.card import CARD, SHEET
    from ..models.folder import load_network
    from ..training.finetune import finetune as fit

    with told():
        if not re.fullmatch(NAME, head):
            raise RecordError(
                f"A head's name begins with a letter and has letters, digits, _ . - only; found {head!r}."
            )
        folder = out or Path("runs/heads") / head
        records, label = read_table(labels, recordings, Path(".cache"))
        fit(head, records, label, load_network(trunk, device), folder, frozen=not unfrozen, seed=seed)
        metrics = json.loads((folder / SHEET).read_text())["metrics"]
        console.print(f"{folder}: " + ", ".join(f"{name} {value}" for name, value in metrics.items()), highlight=False)
        console.print(f"Its card: {folder / CARD}", highlight=False)
