"""``ecgstream export``: an alert's strip, or a stretch of a recording, as a file for other systems."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import RecordError, WireError
from .console import told
from .strip import read_alert

if TYPE_CHECKING:
    from ..recorded import RecordedSignal

ALERTS = (".pb", ".json")


def export(
    source: Annotated[
        Path, typer.Argument(help="A saved alert (.pb, .json; - reads standard input), or a recording of any format.")
    ],
    out: Annotated[Path, typer.Option(help=".dcm (DICOM), .xml (HL7 aECG), .edf (EDF+) or .hea (WFDB).")],
    start_s: Annotated[float, typer.Option("--from", min=0, help="Where the stretch begins, s.")] = 0.0,
    stop_s: Annotated[float | None, typer.Option("--to", help="Where it ends, s; unset: at the end.")] = None,
) -> None:
    """Write the strip of an alert, or a stretch of a recording, in its own raw units. No patient is named in it."""
    from ..recorded import write_recording

    with told():
        write_recording(_recording(source).stretch(start_s, stop_s), out)
    typer.echo(out)


def _recording(source: Path) -> RecordedSignal:
    from ..recorded import read_recording
    from ..recorded.strip import recording_of

    if str(source) != "-" and source.suffix.lower() not in ALERTS:
        return read_recording(source)
    try:
        return recording_of(read_alert(source))
    except WireError as error:
        raise RecordError(f"{source} is no saved alert: {error}") from error
