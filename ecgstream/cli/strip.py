"""``ecgstream strip``: the strip of a saved alert as a picture."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from ..errors import EcgstreamError, RecordError

if TYPE_CHECKING:
    from ..wire import ecgstream_pb2 as pb


def strip(
    alert: Annotated[Path, typer.Argument(help="A saved alert message, protobuf or JSON; - reads standard input.")],
    out: Annotated[Path, typer.Option(help="The picture: .svg or .png.")] = Path("strip.svg"),
) -> None:
    """Draw the strip of an alert on ECG paper, to scale, its onset marked. Not for diagnosis."""
    try:
        _draw(alert, out)
    except EcgstreamError as error:
        Console(stderr=True, soft_wrap=True).print(str(error), style="red", markup=False, highlight=False)
        raise typer.Exit(2) from error
    typer.echo(out)


def _draw(source: Path, out: Path) -> None:
    from ..alert_strips.draw import FORMATS, draw_alert

    fmt = out.suffix.removeprefix(".")
    if fmt not in FORMATS:
        raise RecordError(f"The picture {out} must end in {' or '.join('.' + known for known in FORMATS)}.")
    alert = read_alert(source)
    if not alert.HasField("strip"):
        raise RecordError(
            f"Update {alert.update} of alert {alert.alert_id} brings no strip; the first update of an alert of high or "
            "medium priority does, and the one that completes it."
        )
    try:
        out.write_bytes(draw_alert(alert, fmt))
    except OSError as error:
        raise RecordError(f"The picture {out} cannot be written ({error.strerror}); name another place.") from error


def read_alert(source: Path) -> pb.Alert:
    """A saved alert message, protobuf or JSON. Raises RecordError, WireError."""
    from ..wire import ecgstream_pb2 as pb
    from ..wire.codec import decode
    from ..wire.content_types import content_type

    try:
        payload = sys.stdin.buffer.read() if str(source) == "-" else source.read_bytes()
    except OSError as error:
        raise RecordError(f"The alert {source} cannot be read ({error.strerror}); check its path.") from error
    fmt = "json" if payload.lstrip().startswith(b"{") else "protobuf"
    return decode(payload, content_type(pb.Alert(), fmt))
