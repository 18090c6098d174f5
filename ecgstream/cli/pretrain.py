"""``ecgstream pretrain``: teach a trunk that heads are put on later."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ..errors import EcgstreamError


class Network(StrEnum):
    """What can be pretrained."""

    ECG_JEPA = "ecg_jepa"
    HEARTBEIT = "heartbeit"
    FOUNDATION_CNN = "foundation_cnn"


PEAK_RATES = {Network.ECG_JEPA: 1e-3, Network.HEARTBEIT: 2e-3}


class Attention(StrEnum):
    """What a token attends to."""

    CROPA = "cropa"
    FULL = "full"
    CAUSAL = "causal"


class Form(StrEnum):
    """What a patch is."""

    SIGNAL = "signal"
    IMAGE = "image"


def pretrain(
    network: Annotated[Network, typer.Argument(help="Its name.")],
    data: Annotated[Path, typer.Argument(help="Folder with ptbxl, mitdb, cinc2017.tar, … in WFDB form.")],
    out: Annotated[Path | None, typer.Option(help="The model directory; unset: runs/ and the network's name.")] = None,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Of 16 windows of 10 s; unset: 2000, of foundation_cnn 3000.")
    ] = None,
    dim: Annotated[int, typer.Option(min=8, help="Width of a token; not of foundation_cnn.")] = 96,
    depth: Annotated[int, typer.Option(min=1, help="Blocks; not of foundation_cnn.")] = 4,
    attention: Annotated[
        Attention, typer.Option(help="Of ecg_jepa. cropa: own lead and own time; causal: streaming.")
    ] = Attention.CROPA,
    form: Annotated[Form, typer.Option(help="Of heartbeit: patches of samples, or of the picture.")] = Form.SIGNAL,
    seed: Annotated[int, typer.Option(help="The same seed, data and steps give the same weights.")] = 1,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1, …; foundation_cnn: cpu.")] = "cpu",
) -> None:
    """Teach a network by predicting what it does not see, from every recording there is; labels are not read.

    foundation_cnn is taught PTB-XL's statements, too, and the beats of its recordings instead.
    Stopped, it goes on from its checkpoint in `.cache`. It writes a model directory that further training starts from.
    """
    from ..training.broad import STEPS, pretrain_broad_folder
    from ..training.heartbeit import pretrain_heartbeit_folder
    from ..training.loop import Schedule
    from ..training.pretrain import pretrain_folder

    out = out or Path("runs") / network.value
    settings = {"dim": dim, "depth": depth, "heads": max(1, dim // 32)}
    try:
        if network is Network.FOUNDATION_CNN:
            manifest = pretrain_broad_folder(data, out, seed, steps or STEPS, Path(".cache"))
        else:
            schedule = Schedule(steps=steps or 2000, seed=seed, peak_rate=PEAK_RATES[network], save_every=20)
            if network is Network.HEARTBEIT:
                settings |= {"form": form.value}
                manifest = pretrain_heartbeit_folder(data, out, settings, schedule, device, Path(".cache"))
            else:
                settings |= {"attention": attention.value}
                manifest = pretrain_folder(data, out, settings, schedule, device, Path(".cache"))
    except EcgstreamError as error:
        Console(stderr=True, soft_wrap=True).print(str(error), style="red", markup=False, highlight=False)
        raise typer.Exit(2) from error
    typer.echo(f"{out}: {manifest.n_parameters:,} parameters, sha256 {manifest.sha256[:12]}")
