"""Every data set the shipped weights are taught from, read once and cached beside the recordings' conditioned form."""

from __future__ import annotations

import csv
import hashlib
import pickle
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from .. import conditioning
from ..evaluation.records import read_record, record_names
from . import labels
from .examples import Example, annotated, condition


def mitdb(data: Path) -> Iterator[Example]:
    """DS1 of the MIT-BIH Arrhythmia Database: beats and rhythm. DS2 is never read here."""
    for name in labels.DS1:
        yield annotated("mitdb", data / "mitdb" / name)


def vfdb(data: Path) -> Iterator[Example]:
    """MIT-BIH Malignant Ventricular Ectopy Database: rhythm."""
    for name in record_names(data / "vfdb"):
        yield annotated("vfdb", data / "vfdb" / name)


def cinc2017(data: Path) -> Iterator[Example]:
    """CinC 2017: one lead, AF or not, and noise."""
    with tempfile.TemporaryDirectory() as folder, tarfile.open(data / "cinc2017.tar") as archive:
        archive.extractall(folder, filter="data")
        root = Path(folder) / "cinc2017"
        for name, label in _rows(root / "REFERENCE.csv"):
            if (root / f"{name}.hea").exists():
                record = read_record(root / name)
                kept = labels.is_validation("cinc2017", name)
                targets, plain = labels.cinc2017_targets(label), label in ("N", "A")
                yield condition("cinc2017", record, targets, plain, group=label, validation=kept)


def cinc2011(data: Path) -> Iterator[Example]:
    """CinC 2011: twelve leads, acceptable or not."""
    root = data / "cinc2011"
    for name, label in list(_rows(root / "QUALITY.csv"))[1:]:
        if (root / f"{name}.hea").exists():
            kept = labels.is_validation("cinc2011", name)
            yield condition("cinc2011", read_record(root / name), labels.cinc2011_targets(label), validation=kept)


def cinc2015(data: Path) -> Iterator[Example]:
    """CinC 2015: the last seconds before a bedside monitor's alarm, true or false."""
    root = data / "cinc2015"
    for name, alarm, true in _rows(root / "ALARMS"):
        if (root / f"{name}.hea").exists():
            targets, rises = labels.cinc2015_targets(alarm, true == "1")
            kept = labels.is_validation("cinc2015", name)
            yield condition("cinc2015", read_record(root / name), targets, rises=rises, validation=kept)


def nstdb(data: Path) -> Iterator[Example]:
    """Baseline wander and muscle artefact of the Noise Stress Test, to be added to other records."""
    for name in ("bw", "ma"):
        record = read_record(data / "nstdb" / name)
        yield condition("nstdb", record, np.full(labels.N_SCORES, np.nan, np.float32))


def ptbxl(data: Path) -> Iterator[Example]:
    """PTB-XL, both folders, each ECG once; fold 8 is kept for validation, folds 9 and 10 are never read here."""
    import pandas as pd

    superclass_of = labels.read_superclasses(data / "ptbxl" / "scp_statements.csv")
    seen: set[int] = set()
    for folder in (data / "ptbxl", data / "ptbxl250"):
        for row in pd.read_csv(folder / "ptbxl_database.csv").itertuples():
            if row.ecg_id in seen or row.strat_fold > labels.PTBXL_VALIDATION_FOLD:
                continue
            if not (folder / f"{row.ecg_id:05d}.hea").exists():
                continue
            seen.add(row.ecg_id)
            yield _ptbxl(folder, row, labels.ptbxl_targets(row.scp_codes, superclass_of))


def _ptbxl(folder: Path, row, targets: np.ndarray) -> Example:
    known_age = row.age if row.age < 90 else np.nan  # above 89 the database states 300
    auxiliary = np.array([(known_age - 60) / 20, row.sex], np.float32)
    kept = row.strat_fold == labels.PTBXL_VALIDATION_FOLD
    return condition("ptbxl", read_record(folder / f"{row.ecg_id:05d}"), targets, auxiliary=auxiliary, validation=kept)


DATASETS: dict[str, Callable[[Path], Iterator[Example]]] = {
    each.__name__: each for each in (mitdb, vfdb, cinc2017, cinc2011, cinc2015, nstdb, ptbxl)
}


def load(dataset: str, data: Path, cache: Path) -> list[Example]:
    """Examples of a data set, from ``cache`` when the conditioning and reading code is what made it."""
    path = cache / f"{dataset}-{_code_hash()}.pickle"
    if path.exists():
        return pickle.loads(path.read_bytes())
    examples = list(DATASETS[dataset](data))
    cache.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(examples, protocol=5))
    return examples


def _code_hash() -> str:
    """Changes whenever the code changes that turns recordings into examples."""
    here, rooms = Path(__file__).parent, Path(conditioning.__file__).parent
    files = [*sorted(rooms.glob("*.py")), here / "labels.py", here / "examples.py", here / "recordings.py"]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


def _rows(path: Path) -> Iterator[list[str]]:
    with path.open(newline="") as file:
        yield from csv.reader(file)
