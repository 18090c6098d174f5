"""A hospital's own labels: a CSV of recordings and whether each has the diagnosis."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import RecordError
from .reading import Listed, read_listed
from .records import LabelledRecords

_NAMED = 5
NOT_RECORDINGS = {".dat", ".csv", ".txt", ".md", ".json", ".atr", ".xws"}


def read_table(
    table: Path, recordings: Sequence[Path], cache: Path | None = None
) -> tuple[LabelledRecords, np.ndarray]:
    """The labelled recordings and their labels int64 (N,), 0 or 1.

    ``table`` has the columns ``record`` (a file's name, with or without extension) and ``label``, and may have
    ``patient``; ``recordings`` are files of any format that is read, or folders of them. Raises RecordError naming
    every row that is wrong.
    """
    import pandas as pd

    rows = pd.read_csv(table, dtype=str, keep_default_na=False)
    if missing := {"record", "label"} - set(rows.columns):
        raise RecordError(
            f"{table} must have the columns record and label (and may have patient); it lacks {', '.join(missing)} and "
            f"has {', '.join(rows.columns)}."
        )
    paths = _by_name(recordings)
    _check(table, rows, paths)
    patients = rows["patient"] if "patient" in rows else rows["record"]
    listed = [Listed(paths[_name(each)], patient) for each, patient in zip(rows["record"], patients, strict=True)]
    records = read_listed(table.stem, listed, cache)
    label = {paths[_name(each)].name: int(value) for each, value in zip(rows["record"], rows["label"], strict=True)}
    return records, np.array([label[name] for name in records.name])


def _check(table: Path, rows, paths: dict[str, Path]) -> None:
    faults = [f"row {k + 2}: label {value!r} is neither 0 nor 1" for k, value in enumerate(rows["label"]) if
              value not in ("0", "1")]  # fmt: skip
    faults += [
        f"row {k + 2}: no recording {name!r}" for k, name in enumerate(rows["record"]) if _name(name) not in paths
    ]
    faults += [f"row {k + 2}: {rows['record'][k]!r} a second time" for k in np.flatnonzero(rows["record"].duplicated())]
    if faults:
        more = f" and {len(faults) - _NAMED} more" if len(faults) > _NAMED else ""
        raise RecordError(f"{table} does not fit the recordings: {'; '.join(faults[:_NAMED])}{more}.")


def _by_name(recordings: Sequence[Path]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for given in recordings:
        for path in sorted(given.rglob("*")) if given.is_dir() else [given]:
            if path.suffix.lower() == ".hea" or not path.exists():
                found[path.stem] = path.with_suffix("")
            elif path.is_file() and path.suffix.lower() not in NOT_RECORDINGS:
                found.setdefault(path.stem, path)
    return found


def _name(record: str) -> str:
    return Path(record).stem if Path(record).suffix.lower() in (".hea", ".edf", ".dcm", ".xml", ".ecg") else record
