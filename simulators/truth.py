"""The ground truth file: what was played."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def write_truth(file: Path, beds: list[dict[str, Any]], start_ns: int, seed: int) -> None:
    """Write it whole or not at all, so that whoever waits for the file never reads half of it.

    Episode times are seconds from the stream's first sample.
    """
    partial = file.with_name(file.name + ".part")
    partial.write_text(json.dumps({"seed": seed, "start_ns": start_ns, "beds": beds}, indent=1))
    partial.replace(file)
