"""Beats and rhythms as WFDB annotations, which every PhysioNet tool reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import wfdb

from ..diagnosis import CLASSES
from ..rhythm_names import RHYTHM_ORDER
from ..waveform import GRID_HZ, HOP_SAMPLES, Condition, Reason
from .findings import Findings

EXTENSION = "atr"
PACED = "/"
RHYTHM_NOTES = {
    Condition.VENTRICULAR_FIBRILLATION: "(VFIB",
    Condition.ASYSTOLE: "(ASYS",
    Condition.VENTRICULAR_TACHYCARDIA: "(VT",
    Condition.EXTREME_TACHYCARDIA: "(TACHY",
    Condition.EXTREME_BRADYCARDIA: "(SBR",
    Condition.ATRIAL_FIBRILLATION: "(AFIB",
    Condition.TACHYCARDIA: "(TACHY",
    Condition.BRADYCARDIA: "(SBR",
}
"""As MIT-BIH databases spell them where they have the rhythm. ``(N``: none of these."""
NORMAL, NOISE = "(N", "(NOISE"


def write_annotations(found: Findings, folder: Path) -> Path:
    """Write ``RECORD.atr``: beats (N S V F, / for paced, Q where no lead could be judged) and changes of rhythm (+)."""
    grid = np.concatenate([found.beat, found.beat_in_noise])
    symbols = np.where(found.paced, PACED, np.array(CLASSES)[found.label]).tolist() + ["Q"] * len(found.beat_in_noise)
    notes = [""] * len(grid)
    for sample, note in _rhythm_changes(found):
        grid, symbols, notes = np.append(grid, sample), [*symbols, "+"], [*notes, note]
    order = np.lexsort((np.array(notes) == "", grid))  # a rhythm before the beat it begins with
    # Counted in the recording's own samples; annotations of one sample would be read as one.
    sample = np.rint(grid[order] * float(found.recording.fs_hz) / GRID_HZ).astype(np.int64)
    wfdb.wrann(
        found.name,
        EXTENSION,
        np.maximum(sample, 0),
        symbol=[symbols[k] for k in order],
        aux_note=[notes[k] for k in order],
        fs=float(found.recording.fs_hz),
        write_dir=str(folder),
    )
    return folder / f"{found.name}.{EXTENSION}"


def _rhythm_changes(found: Findings) -> list[tuple[int, str]]:
    """Grid sample and note, wherever the rhythm becomes another; the gravest that holds names it."""
    notes = [NORMAL, NOISE, *RHYTHM_NOTES.values()]
    rhythm = np.zeros(len(found.reason), np.int64)
    rhythm[~np.isin(found.reason, (Reason.OK, Reason.SETTLING))] = notes.index(NOISE)
    for condition in reversed([condition for condition in RHYTHM_ORDER if condition in RHYTHM_NOTES]):
        rhythm[found.evidence[:, condition]] = notes.index(RHYTHM_NOTES[condition])
    changes = np.flatnonzero(np.diff(rhythm, prepend=-1))
    return [(hop * HOP_SAMPLES, notes[rhythm[hop]]) for hop in changes.tolist()]
