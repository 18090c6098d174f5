"""How well exchanged limb electrodes are told: ``python benchmarks/electrodes.py ../shared/data/ptbxl``.

Every recording as it is and with electrodes exchanged by its leads' sums, with the chest leads and without; ten seconds
several times over, as there are no longer ones of twelve leads.
"""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from ecgstream.electrodes import Electrodes, Swap
from ecgstream.evaluation.progress import over_records
from ecgstream.evaluation.records import Record, read_record
from ecgstream.evaluation.runner import condition
from ecgstream.evaluation.swaps import swapped
from ecgstream.rhythm import Rhythm

TIMES = 5
LIMB = ("I", "II", "III", "aVR", "aVL", "aVF")


def main(
    folders: Annotated[list[Path], typer.Argument(help="Folders of WFDB records of twelve leads.")],
    fold: Annotated[int, typer.Option(help="The strat_fold to score, of folders with ptbxl_database.csv.")] = 8,
) -> None:
    """Print what was told of how many, and the recordings that something is told of as they are."""
    paths = {path.stem.split("_")[0]: path for folder in folders for path in _of_fold(folder, fold)}
    counts: Counter[tuple[str, Swap, Swap]] = Counter()
    for path in over_records(list(paths.values()), "electrodes"):
        record = read_record(path)
        for swap in Swap:
            exchanged = swapped(record, swap)
            for leads, its in (("limb and chest", exchanged), ("limb alone", _limb(exchanged))):
                told = _told(its)
                counts[leads, swap, told] += 1
                if told and not swap:
                    print(f"{leads}: {record.name} as it is: {told.name.lower()}")
    for leads in ("limb and chest", "limb alone"):
        for swap in Swap:
            of = {told: counts[leads, swap, told] for told in Swap}
            said = ", ".join(f"{told.name.lower()} {n}" for told, n in of.items())
            print(f"{leads:15} {swap.name.lower():18} {said}; right {100 * of[swap] / sum(of.values()):.2f} %")


def _of_fold(folder: Path, fold: int) -> list[Path]:
    paths = [path.with_suffix("") for path in sorted(folder.glob("*.hea"))]
    if not (folder / "ptbxl_database.csv").exists():
        return paths
    with (folder / "ptbxl_database.csv").open(newline="") as file:
        wanted = {int(row["ecg_id"]) for row in csv.DictReader(file) if int(row["strat_fold"]) == fold}
    return [path for path in paths if int(path.stem.split("_")[0]) in wanted]


def _limb(record: Record) -> Record:
    kept = [k for k, name in enumerate(record.leads) if name in LIMB]
    return replace(
        record,
        leads=tuple(record.leads[k] for k in kept),
        slots=record.slots[kept],
        adu=record.adu[kept],
        mv_per_adu=record.mv_per_adu[kept],
        baseline_adu=record.baseline_adu[kept],
    )


def _told(record: Record) -> Swap:
    signal = condition(replace(record, adu=np.concatenate([record.adu] * TIMES, 1)))
    return Swap(int(Electrodes(1).step(signal, Rhythm(1).step(signal).beats)[0, -1]))


if __name__ == "__main__":
    typer.run(main)
