"""Recordings as the encoder will meet them: through the daemon's own conditioning, with targets per hop and beats."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..conditioning import condition_record
from ..evaluation.ec57 import reference_beats
from ..evaluation.records import Annotations, Record, read_annotations, read_record
from ..models.encoder import GRID_STEP, INPUT_HZ
from ..rhythm import Rhythm
from ..settings import ConditioningSettings
from ..waveform import GRID_HZ, HOP_S, N_LEADS
from . import labels


@dataclass(slots=True)
class Example:
    """One conditioned recording at INPUT_HZ. C leads, T samples (a whole number of hops)."""

    dataset: str
    record: str
    slots: np.ndarray  # int64 (C,)
    mv: np.ndarray  # float16 (C, T)
    valid: np.ndarray  # bool (C, T)
    delay_s: float  # what shows at time t happened delay_s earlier
    targets: np.ndarray  # float32 (N_SCORES,) for the whole record, or (T / 25, N_SCORES) per hop; NaN: not supervised
    beat_s: np.ndarray = field(default_factory=lambda: np.empty(0))  # times of beats, on the recording's own clock
    beat_class: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    beats_known: bool = False
    rises: int = -1  # score that must rise before the record's end, or -1
    auxiliary: np.ndarray = field(default_factory=lambda: np.full(len(labels.AUXILIARY), np.nan, np.float32))
    group: str = ""  # class that sampling balances over
    validation: bool = False  # kept from training, to calibrate on

    @property
    def seconds(self) -> float:
        """Length."""
        return self.mv.shape[1] / INPUT_HZ


def condition(dataset: str, record: Record, targets: np.ndarray, plain: bool = False, **known) -> Example:
    """Condition a record as the daemon does, from a cold start; keep every other grid sample of the leads there are.

    ``plain``: the record's label leaves no room for ectopic beats, so what the rules detect is taken for normal beats,
    unless they find ventricular ones among them.
    """
    block = condition_record(
        record.adu, record.fs_hz, record.slots, record.mv_per_adu, record.baseline_adu, ConditioningSettings().mains_hz
    )
    if plain:
        beats = Rhythm(1).step(block).beats
        known |= {"beat_s": beats.sample / GRID_HZ, "beat_class": np.zeros(len(beats.sample), np.int64)}
        known["beats_known"] = not beats.ventricular.any()
    leads = np.flatnonzero(block.valid[0].any(1))
    return Example(
        dataset=dataset,
        record=record.name,
        slots=leads,
        mv=block.ecg_mv[0, leads, 1::GRID_STEP].astype(np.float16),
        valid=block.valid[0, leads, 1::GRID_STEP],
        delay_s=float(block.delay_samples[0]) / GRID_HZ,
        targets=targets,
        **known,
    )


def annotated(dataset: str, path: Path) -> Example:
    """A MIT-BIH record with its rhythm per hop and, for mitdb, its beats."""
    record, marks = read_record(path), read_annotations(path)
    kept = labels.is_validation(dataset, record.name)
    example = condition(dataset, record, np.empty(0, np.float32), validation=kept)
    n_hops = example.mv.shape[1] // 25
    example.targets = rhythm_per_hop(marks, n_hops, example.delay_s)
    if dataset == "mitdb":
        beats = reference_beats(marks.time_s, marks.symbol)
        example.beat_s, example.beat_class, example.beats_known = beats.time_s, beats.labels(), True
    return example


RHYTHM_DELAY_S = 1.0
"""A hop's rhythm scores tell of this much earlier: a second of evidence before the first statement."""


def rhythm_per_hop(marks: Annotations, n_hops: int, delay_s: float) -> np.ndarray:
    """Targets (n_hops, N_SCORES) from rhythm annotations, each holding until the next."""
    targets = np.full((n_hops, labels.N_SCORES), np.nan, np.float32)
    told_s = (np.arange(n_hops) + 1) * HOP_S - delay_s - RHYTHM_DELAY_S
    noted = np.flatnonzero([note.startswith("(") for note in marks.note])
    which = np.searchsorted(marks.time_s[noted], told_s, side="right") - 1
    rhythms = np.array([labels.rhythm_targets(marks.note[i]) for i in noted])
    known = which >= 0
    targets[np.ix_(known, [labels.AF, labels.VT, labels.VF, labels.NOISE])] = rhythms[which[known]]
    return targets


def spread(example: Example) -> tuple[np.ndarray, np.ndarray]:
    """The example's leads in their slots: mV float32 (16, T) and validity bool (16, T)."""
    mv = np.zeros((N_LEADS, example.mv.shape[1]), np.float32)
    valid = np.zeros(mv.shape, bool)
    mv[example.slots], valid[example.slots] = example.mv, example.valid
    return mv, valid
