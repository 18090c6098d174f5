"""Where the commands print, and how they say what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console

from ..errors import EcgstreamError

console = Console()


@contextmanager
def told() -> Iterator[None]:
    """Print the sentence of an EcgstreamError in red and leave with exit code 2."""
    try:
        yield
    except EcgstreamError as error:
        console.print(str(error), style="red", markup=False)
        raise typer.Exit(2) from error
