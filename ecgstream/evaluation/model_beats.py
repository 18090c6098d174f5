"""Beats found by the rules, classed by the encoder: both exactly as the daemon runs them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..conditioning import condition_record
from ..diagnosis import BeatClasses, ClassifiedBeats, Diagnosis, Model
from ..diagnosis.beats import UNKNOWN
from ..rhythm import Rhythm
from ..settings import ConditioningSettings
from ..waveform import GRID_HZ, Beats
from .ec57 import BeatList, confusion, reference_beats, summary
from .progress import over_records
from .records import Record, read_annotations, read_record

DS2 = (
    "100", "103", "105", "111", "113", "117", "121", "123", "200", "202", "210", "212", "213", "214", "219", "221",
    "222", "228", "231", "232", "233", "234",
)  # fmt: skip
"""MITDB records that the shipped weights have never seen (de Chazal et al. 2004). 202 is of the same subject as 201."""
NORMAL, VENTRICULAR = 0, 2


def model_beats(record: Record, model: Model) -> BeatList:
    """Beats of a whole record. Where the encoder withholds its opinion the rules' own (ventricular or not) stands."""
    block = condition_record(
        record.adu, record.fs_hz, record.slots, record.mv_per_adu, record.baseline_adu, ConditioningSettings().mains_hz
    )
    beats = Rhythm(1).step(block).beats
    _, probs = Diagnosis(model, 1).step(block)
    told = BeatClasses(1).step(beats, block, probs)
    return BeatList(beats.sample / GRID_HZ, _labels(beats, told))


def _labels(beats: Beats, told: ClassifiedBeats) -> np.ndarray:
    labels = np.where(beats.ventricular, VENTRICULAR, NORMAL)
    known = told.label != UNKNOWN
    labels[np.searchsorted(beats.sample, told.sample[known])] = told.label[known]
    return labels


def score_model_beats(folder: Path, model: Model, names: Sequence[str] = DS2, skip_s: float = 300.0) -> dict:
    """EC57 figures of QRS, VEB and SVEB over records of ``folder``: ``gross``, ``average`` and ``records``."""
    counts = []
    for name in over_records(names, "beat classes, by the model"):
        marks = read_annotations(folder / name)
        reference = reference_beats(marks.time_s, marks.symbol)
        counts.append(confusion(reference, model_beats(read_record(folder / name), model), skip_s))
    return summary(names, counts)
