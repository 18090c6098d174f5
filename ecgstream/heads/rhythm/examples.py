"""Labelled strips and what they measure, read once and cached."""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ... import conditioning, evaluation, rhythm, strips
from ...errors import RecordError
from ...evaluation.progress import over_records
from ...evaluation.records import Record, read_record, record_names
from ...evaluation.runner import condition
from ...rhythm import Rhythm
from ...strips import FEATURES, measure_strip
from ...strips.features import STRIP_STEP
from ...waveform import GRID_HZ, HOP_SAMPLES, Reason

CLASSES = ("N", "A", "O", "~")
"""Normal, atrial fibrillation, another rhythm, too noisy: the labels of CinC 2017."""
REFERENCE = "REFERENCE.csv"
_MIRRORED_S = 5


@dataclass(frozen=True, slots=True)
class Examples:
    """N strips."""

    records: list[str]
    label: np.ndarray  # int64 (N,), index into CLASSES
    features: np.ndarray  # float64 (N, F)


def read_examples(folder: Path, cache: Path) -> Examples:
    """Every labelled strip of ``folder``, from ``cache`` where code and files are those that made them.

    Raises RecordError when no record is labelled.
    """
    labels = read_labels(folder)
    path = cache / f"rhythm-{_hash(folder, labels)}.npz"
    if path.exists():
        with np.load(path) as kept:
            features = kept["features"]
    else:
        measured = [
            strip_features(read_record(folder / name)) for name in over_records(list(labels), "measuring strips")
        ]
        features = np.array(measured)
        cache.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(path, features=features)
    return Examples(list(labels), np.array([CLASSES.index(label) for label in labels.values()]), features)


def read_labels(folder: Path) -> dict[str, str]:
    """Record to label, from REFERENCE.csv. Raises RecordError when no record there has one of CLASSES."""
    table, present = folder / REFERENCE, set(record_names(folder))
    rows: dict[str, str] = {}
    if table.exists():
        with table.open(newline="") as file:
            rows = {row[0]: row[1] for row in csv.reader(file) if len(row) > 1}
    labels = {name: label for name, label in rows.items() if name in present and label in CLASSES}
    if not labels:
        raise RecordError(
            f"Rhythms of strips are scored against {REFERENCE} with the labels {', '.join(CLASSES)}; {folder} has none "
            f"of them for its {len(present)} records."
        )
    return labels


def strip_features(record: Record) -> np.ndarray:
    """What the first lead of a strip measures, float64 (F,), as FEATURES: through the daemon's conditioning and rules.

    The first seconds are put before it once more, mirrored, for filters to settle and levels to be learnt.
    """
    mirrored = min(round(_MIRRORED_S * record.fs_hz), record.adu.shape[1] - 1)
    before = record.adu[:, mirrored:0:-1]
    signal = condition(replace(record, adu=np.concatenate([before, record.adu], 1)))
    found, slot = Rhythm(1).step(signal).beats, int(record.slots[0])
    start = -(-mirrored * GRID_HZ // (record.fs_hz * HOP_SAMPLES)) * HOP_SAMPLES
    stop = (mirrored + record.adu.shape[1]) * GRID_HZ // (record.fs_hz * HOP_SAMPLES) * HOP_SAMPLES
    sample = found.sample + round(float(signal.delay_samples[0]))
    inside = (sample >= start) & (sample < stop)
    hops = slice(start // HOP_SAMPLES, stop // HOP_SAMPLES)
    out = np.empty(len(FEATURES))
    measure_strip(
        np.ascontiguousarray(signal.ecg_mv[0, slot, start:stop:STRIP_STEP]),
        (sample[inside] - start) // STRIP_STEP,
        found.ventricular[inside].astype(np.uint8),
        signal.quality[0, slot, hops],
        (signal.reason[0, slot, hops] == Reason.OK).astype(np.uint8),
        out,
    )
    return out


def _hash(folder: Path, labels: dict[str, str]) -> str:
    """Changes whenever the recordings or the code change that strips are measured by."""
    digest = hashlib.sha256(repr(sorted(labels.items())).encode())
    for name in labels:
        digest.update((folder / f"{name}.hea").read_bytes())
    rooms = [Path(room.__file__).parent for room in (conditioning, rhythm, strips)]
    here, readers = Path(__file__), Path(evaluation.__file__).parent
    files = [path for room in rooms for path in sorted(room.glob("*.py"))]
    for file in (*files, readers / "records.py", readers / "runner.py", here):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]
