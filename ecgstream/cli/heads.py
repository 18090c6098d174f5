"""``ecgstream heads``: fit the small heads anew."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .console import console, print_table, told

app = typer.Typer(no_args_is_help=True, help="Fit the small heads over named features, and print what they score.")

Data = Annotated[Path, typer.Argument(help="Folder with mitdb, nstdb, cinc2017, … in WFDB form.")]
CACHE = Path(".cache")


@app.command()
def beats(
    data: Data,
    out: Annotated[Path, typer.Option(help="Where the head directory is written.")] = Path("runs/heads/beats"),
) -> None:
    """Classes of beats: fitted on DS1 of mitdb with noise of nstdb, scored by folds of its records. DS2 is not read."""
    from ..heads.beats.training import classes_table, train

    with told():
        print_table(classes_table(train(data, out, CACHE)))


@app.command()
def quality(
    data: Data,
    out: Annotated[Path, typer.Option(help="Where the head directory is written.")] = Path("runs/heads/quality"),
) -> None:
    """Quality of whole records: fitted on cinc2011, scored by its folds."""
    from ..evaluation.quality import quality_table
    from ..heads.quality.training import train

    with told():
        print_table(quality_table(train(data / "cinc2011", out, CACHE)))


@app.command()
def rhythm(
    data: Data,
    out: Annotated[Path, typer.Option(help="Where the head directory is written.")] = Path("runs/heads/rhythm"),
) -> None:
    """Rhythm of strips and AF: fitted on cinc2017 (folder or tar), scored by its folds."""
    from ..evaluation.folders import recordings_in
    from ..evaluation.rhythm import rhythm_table
    from ..heads.rhythm.training import train

    packed = data / "cinc2017.tar"
    with told(), recordings_in(packed if packed.exists() else data / "cinc2017") as folder:
        print_table(rhythm_table(train(folder, out, CACHE)))


@app.command()
def alarms(
    data: Data,
    out: Annotated[Path, typer.Option(help="Where the head directory is written.")] = Path("runs/heads/verdicts"),
) -> None:
    """Verdicts on monitors' alarms: fitted on cinc2015, scored by folds of its records."""
    from ..evaluation.alarm_head import train
    from ..evaluation.alarms import alarms_table

    with told():
        print_table(alarms_table(train(data / "cinc2015", out)))


@app.command()
def fibrillation(
    data: Data,
    out: Annotated[Path, typer.Option(help="Where the head directory is written.")] = Path("runs/heads/fibrillation"),
) -> None:
    """Ventricular fibrillation and flutter: fitted on vfdb. Score it by `evaluate episodes --cross-validate`."""
    from ..heads.fibrillation.training import train

    with told():
        manifest = train(data, out, Path(".cache"))
        console.print(f"Wrote {out}, fitted on {len(manifest.seen['vfdb'])} records.", highlight=False)
