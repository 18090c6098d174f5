"""Where the commands print, and how they say what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from ..errors import EcgstreamError

console = Console()


def print_table(table: Table) -> None:
    """A table in which every figure is whole, also where that is wider than the window or the file."""
    least = Measurement.get(console, console.options.update(width=1000), table).minimum
    Console(width=max(console.width, least)).print(table)


@contextmanager
def told() -> Iterator[None]:
    """Print the sentence of an EcgstreamError in red and leave with exit code 2."""
    try:
        yield
    except EcgstreamError as error:
        console.print(str(error), style="red", markup=False)
        raise typer.Exit(2) from error
