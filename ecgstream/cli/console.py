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
    """A table in which every word and figure is whole, also where that is wider than the window or the file."""
    endless = console.options.update(width=1000)
    parts = [(column.header, *column.cells) for column in table.columns]
    sizes = [[Measurement.get(console, endless, part) for part in of_column] for of_column in parts]
    least = [max(size.minimum for size in of_column) for of_column in sizes]
    most = [max(size.maximum for size in of_column) for of_column in sizes]
    # Rich takes from the widest column first, until all are alike: none may come below the longest word of any.
    more = sum(min(wish, max(least)) - need for wish, need in zip(most, least, strict=True))
    Console(width=max(console.width, Measurement.get(console, endless, table).minimum + more)).print(table)


@contextmanager
def told() -> Iterator[None]:
    """Print the sentence of an EcgstreamError in red and leave with exit code 2."""
    try:
        yield
    except EcgstreamError as error:
        console.print(str(error), style="red", markup=False)
        raise typer.Exit(2) from error
