"""Measured waves of annotated recordings, second by second, as the daemon measures them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np

from ... import conditioning, rhythm
from ...evaluation.progress import over_records
from ...evaluation.records import Record, read_annotations, read_record, record_names
from ...evaluation.rhythm_spans import NOISE, OTHER, VF, rhythm_spans
from ...evaluation.runner import run_rules
from ...rhythm.state import FIBRILLATION_HOPS
from ...rhythm.waves import FEATURES
from ...waveform import HOP_S

DATA_SET = "vfdb"
_WINDOW_S = FIBRILLATION_HOPS * HOP_S
_TOLERANCE_S = 1e-6
_SIZE = FEATURES.index("size")


@dataclass(frozen=True, slots=True)
class Examples:
    """Windows of one lead that lie wholly in one kind of rhythm. N windows."""

    features: np.ndarray  # float32 (N, F), as rhythm.waves.FEATURES
    kind: np.ndarray  # str (N,), VF, OTHER or NOISE of rhythm_spans
    record: np.ndarray  # str (N,)


def load_examples(data: Path, cache: Path) -> Examples:
    """All windows of vfdb in ``data``: of the recordings whole and of each lead alone; measured once, then cached.

    Ventricular tachycardia is left out: much of it is a flutter's equal in shape. Raises RecordError.
    """
    path = cache / f"fibrillation-{code_hash()}.npz"
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        parts = list(_measured(data / DATA_SET))
        columns = {item.name: np.concatenate([getattr(part, item.name) for part in parts]) for item in fields(Examples)}
        np.savez(path, **columns)
    with np.load(path) as kept:
        return Examples(**kept)


def _measured(folder: Path) -> Iterator[Examples]:
    for name in over_records(record_names(folder, "atr"), "measuring waves"):
        record = read_record(folder / name)
        spans = rhythm_spans(read_annotations(folder / name), record.duration_s)
        for variant in (record, *_leads_alone(record)):
            waves = run_rules(variant).waves[0]
            stop_s = np.arange(1, len(waves) + 1) * HOP_S
            for span in spans:
                if span.kind in (VF, OTHER, NOISE):
                    inside = (stop_s - _WINDOW_S >= span.start_s - _TOLERANCE_S) & (
                        stop_s <= span.stop_s + _TOLERANCE_S
                    )
                    found = waves[inside]
                    found = found[np.isfinite(found[:, :, _SIZE])]
                    yield Examples(found, np.full(len(found), span.kind), np.full(len(found), name))


def _leads_alone(record: Record) -> list[Record]:
    if len(record.leads) == 1:
        return []
    return [
        replace(
            record,
            leads=record.leads[c : c + 1],
            slots=record.slots[c : c + 1],
            adu=record.adu[c : c + 1],
            mv_per_adu=record.mv_per_adu[c : c + 1],
            baseline_adu=record.baseline_adu[c : c + 1],
        )
        for c in range(len(record.leads))
    ]


def code_hash(*more: Path) -> str:
    """Changes whenever the code changes that turns recordings into examples, or the files ``more``."""
    rooms = [Path(room.__file__).parent for room in (conditioning, rhythm)]
    files = [file for room in rooms for file in sorted(room.glob("*.py"))] + [Path(__file__), *more]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]
