"""A progress bar over records; on standard error, gone when done."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.progress import track


def over_records(names: Sequence[str], doing: str) -> Iterable[str]:
    """The names, one by one, with a bar that says what is being done."""
    return track(names, description=doing, console=Console(stderr=True), transient=True)
