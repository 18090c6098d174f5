"""CSV and Parquet: one column a channel, called ``II [mV]``, beside a column ``time_s``."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd

from ..errors import RecordError
from .recording import RecordedSignal, codes_of_fractions, fraction_channel

_HEADING = re.compile(r"(?P<name>[^\[\]]+?)\s*\[(?P<unit>[^\[\]]*)\]")
_UNEVEN = 0.02


def read(path: Path) -> RecordedSignal:
    """Columns ``name [unit]`` and ``time_s`` (s); empty cells are not valid. Raises RecordError."""
    try:
        table = pd.read_parquet(path) if path.suffix.lower() == ".parquet" else pd.read_csv(path, comment="#")
    except (OSError, ValueError, pd.errors.ParserError) as error:
        raise RecordError(f"The table {path} cannot be read ({error}).") from error
    if "time_s" not in table.columns:
        raise RecordError(f"The table {path} needs a column time_s (s); it has {', '.join(map(str, table.columns))}.")
    headings = {column: _HEADING.fullmatch(str(column)) for column in table.columns if column != "time_s"}
    if wrong := [str(column) for column, heading in headings.items() if not heading]:
        raise RecordError(f"Columns of {path} must be called like 'II [mV]'; found {', '.join(wrong)}.")
    channels = tuple(fraction_channel(heading["name"], heading["unit"]) for heading in headings.values())
    try:
        values = table[list(headings)].to_numpy(float).T
        time_s = table["time_s"].to_numpy(float)
    except ValueError as error:
        raise RecordError(f"The table {path} holds what is no number ({error}).") from error
    return RecordedSignal(path.stem, _rate(time_s, path), channels, codes_of_fractions(values, channels, path))


def _rate(time_s: np.ndarray, path: Path) -> Fraction:
    """Samples per second; the times must be even, as a gap would be played as if it were none."""
    steps = np.diff(time_s)
    if not len(steps) or not (steps > 0).all():
        raise RecordError(f"The times of {path} (time_s) must rise from row to row.")
    step = (time_s[-1] - time_s[0]) / len(steps)
    if (np.abs(steps / step - 1) > _UNEVEN).any():
        row = int(np.argmax(np.abs(steps / step - 1)))
        raise RecordError(
            f"The times of {path} are uneven: {steps[row]:g} s after row {row + 1}, {step:g} s on average. Leave empty "
            "cells where samples are missing."
        )
    return Fraction(1 / step).limit_denominator(1000 if 1 / step < 1000 else 10)
