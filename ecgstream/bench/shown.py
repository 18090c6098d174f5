"""What every benchmark does with its figures: print them, write them, and say by its exit code how it went."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console, RenderableType

from ..errors import EcgstreamError

Measured = dict[str, Any]


def show(
    measure: Callable[[Console], Measured],
    table: Callable[[Measured], RenderableType],
    json_file: Path | None,
    passed: Callable[[Measured], bool] = lambda measured: True,
) -> int:
    """Print what was measured as a ``table`` and write it; 1 unless it ``passed``, 2 and a sentence on a fault."""
    console = Console()
    try:
        measured = measure(console)
    except EcgstreamError as error:
        console.print(str(error), style="red", markup=False)
        return 2
    console.print(table(measured))
    if json_file:
        json_file.write_text(json.dumps(measured, indent=1))
    return 0 if passed(measured) else 1
