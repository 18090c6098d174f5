"""``ecgstream train-foundation``: the networks over whole recordings that come with the package, trained anew."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .console import console, told


def train_foundation(
    data: Annotated[Path, typer.Argument(help="Folder with ptbxl and ptbxl250, or one of them.")],
    out: Annotated[Path, typer.Option(help="Where the model directories are written.")] = Path("runs/foundation"),
    passes: Annotated[int, typer.Option(min=1, help="Over the recordings, of each convolutional network.")] = 30,
    seed: Annotated[int, typer.Option(min=1, help="The same seed, data and passes give the same weights.")] = 1,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
) -> None:
    """Train a convolutional network for each of five folds and a rocket, calibrate them and their mean, write cards."""
    from ..labelled.reading import read_ptbxl
    from ..training.foundation import train_foundation as train

    with told():
        cache = Path(".cache")
        figures = train(read_ptbxl(data, cache), out, cache, passes, seed, device)
        console.print_json(data=figures)


def train_phenotypes(
    data: Annotated[Path, typer.Argument(help="Folder with ptbxl and ptbxl250, or one of them.")],
    out: Annotated[Path, typer.Option(help="The head's directory.")] = Path("runs/phenotypes"),
) -> None:
    """Fit heads for age and sex on the shipped convolutional networks, test them by folds, write one with its card."""
    from ..heads.fitting import FOLDS
    from ..labelled.reading import read_ptbxl
    from ..models.card import CARD
    from ..training.phenotypes import fit_phenotypes

    with told():
        fit_phenotypes(read_ptbxl(data, Path(".cache")), [f"foundation_cnn_{fold}" for fold in range(FOLDS)], out)
        console.print((out / CARD).read_text(), markup=False, highlight=False)
