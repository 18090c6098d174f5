"""Measured and annotated beats of DS1 and its variants, read once and cached."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from ... import beats, conditioning, diagnosis, evaluation, rhythm, strips
from ...beats import BeatMeasures
from ...diagnosis.beats import told_at
from ...diagnosis.strips import StripRhythms, shipped_rhythm_head
from ...evaluation.af_episodes import FIBRILLATION
from ...evaluation.beats import TAIL_S
from ...evaluation.ec57 import CLASSES, BeatList, match_beats, reference_beats
from ...evaluation.progress import over_records
from ...evaluation.records import Annotations, read_annotations, read_record
from ...evaluation.runner import condition
from ...model_folder import MANIFEST
from ...rhythm import Rhythm
from ...training.labels import DS1
from ...waveform import GRID_HZ
from ..fitting import fold_of
from ..head import SHIPPED
from .variants import MOVED, UNORDERED, Annotated, read_noise, variants

DATA_SET = "mitdb"
NO_BEAT, FLUTTER = -1, len(CLASSES)
"""Labels of detections that are no beats: without partner, or on a flutter wave."""
_MOST_WRONG, _MOST_WRONG_MOVED = 0.05, 0.2
"""A variant in which more of the detections than this are no beats teaches nothing about classes; where the electrodes
move, false ones are what there is to learn from."""


@dataclass(frozen=True, slots=True)
class Examples:
    """K beats that the rules found, in the order of records, variants and time."""

    features: np.ndarray  # float32 (K, F)
    label: np.ndarray  # int64 (K,), index into CLASSES, NO_BEAT or FLUTTER
    record: np.ndarray  # str (K,)
    variant: np.ndarray  # str (K,)
    time_s: np.ndarray  # float64 (K,)
    fold: np.ndarray  # int64 (K,), in which the patient is tested
    fibrillates: np.ndarray  # bool (K,), whether the rhythm head said so of the atria when the beat was told
    unordered: np.ndarray  # bool (K,), whether the atria are known to fibrillate or flutter

    def take(self, rows: np.ndarray) -> Examples:
        """The beats of ``rows``, bool (K,)."""
        return Examples(*(getattr(self, field.name)[rows] for field in fields(self)))


def joined(*parts: Examples) -> Examples:
    """The examples of all ``parts``."""
    return Examples(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Examples)))


def load_examples(data: Path, cache: Path) -> Examples:
    """DS1 of ``data/mitdb`` with noise of ``data/nstdb``, from ``cache`` when the same code made it.

    Raises RecordError when a recording cannot be read.
    """
    path = cache / f"beats-{code_hash(*_what_tells_fibrillation())}.npz"
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        parts = list(_measured(data))
        columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        np.savez(path, **columns)
    with np.load(path) as kept:
        return Examples(**kept)


def _measured(data: Path) -> Iterator[dict[str, np.ndarray]]:
    noise = read_noise(data)
    for name in over_records(DS1, "measuring beats"):
        marks = read_annotations(data / DATA_SET / name)
        of = read_record(data / DATA_SET / name), _beats_and_waves(marks)
        may_fibrillate = np.isin(marks.note, FIBRILLATION).any()
        for variant, pieces in variants(of, noise, seed=int(name)).items():
            found = [_labelled(piece) for piece in pieces]
            features, label, time_s, fibrillates = (np.concatenate(column) for column in zip(*found, strict=True))
            if (label == NO_BEAT).mean() <= (_MOST_WRONG_MOVED if variant == MOVED else _MOST_WRONG):
                stated = {"record": name, "variant": variant, "fold": fold_of(DATA_SET, name)}
                about = {key: np.full(len(label), value) for key, value in stated.items()}
                known = fibrillates & may_fibrillate | (variant == UNORDERED)
                told = {"label": label, "time_s": time_s, "fibrillates": fibrillates, "unordered": known}
                yield {"features": features} | told | about


def _beats_and_waves(marks: Annotations) -> BeatList:
    """Reference beats and, among them, flutter waves."""
    beats = reference_beats(marks.time_s, marks.symbol)
    waves = marks.time_s[marks.symbol == "!"]
    time_s = np.concatenate((beats.time_s, waves))
    order = np.argsort(time_s, kind="stable")
    return BeatList(time_s[order], np.concatenate((beats.labels(), np.full(len(waves), FLUTTER)))[order])


def _labelled(of: Annotated) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Features, label and time of the beats that the rules find in a recording, and whether the atria fibrillated."""
    record, reference = of
    block = condition(record, tail_s=TAIL_S)
    beats = Rhythm(1).step(block).beats
    told = BeatMeasures(1).step(beats, block)
    fibrillates = StripRhythms(shipped_rhythm_head(), 1).step(block, beats).fibrillates
    time_s = told.sample / GRID_HZ
    partner = match_beats(reference.time_s, time_s)
    label = np.full(len(time_s), NO_BEAT)
    label[partner[partner >= 0]] = reference.labels()[partner >= 0]
    return told.features, label, time_s, fibrillates[told_at(told, beats, block)]


def _what_tells_fibrillation() -> list[Path]:
    """What decides ``Examples.fibrillates``: the rhythm head, by the sha256 in its manifest, and what it measures."""
    measures = sorted(Path(strips.__file__).parent.glob("*.py"))
    return [SHIPPED / "rhythm" / MANIFEST, Path(diagnosis.__file__).parent / "strips.py", *measures]


def code_hash(*more: Path) -> str:
    """Changes whenever the code changes that turns recordings into examples, or the files ``more``."""
    rooms = [Path(room.__file__).parent for room in (beats, conditioning, rhythm)]
    files = [file for room in rooms for file in sorted(room.glob("*.py"))]
    files += [Path(__file__).parent / name for name in ("early.py", "examples.py", "unordered.py", "variants.py")]
    files += [Path(evaluation.__file__).parent / name for name in ("ec57.py", "records.py", "runner.py")]
    files += more
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]
