"""Beats of strips that are labelled as wholes: what the label of the strip and plain rules say together of each beat.

DS1 is 22 patients on one kind of recorder. These are thousands, of other recorders and with atrial fibrillation, of
whom it is known what most of their beats are. A beat that label and rules do not settle teaches nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ...beats import FEATURES, BeatMeasures
from ...evaluation.beats import TAIL_S
from ...evaluation.folders import recordings_in
from ...evaluation.progress import over_records
from ...evaluation.records import read_record
from ...evaluation.runner import condition
from ...labelled.reading import list_ptbxl
from ...rhythm import Rhythm
from ...waveform import GRID_HZ
from ..fitting import fold_of
from ..rhythm.examples import read_labels
from .examples import Examples, code_hash

CINC2017, PTBXL = "cinc2017", "ptbxl"
N, S, V = range(3)
UNSETTLED = -1
ECTOPY = frozenset(("PVC", "PAC", "BIGU", "TRIGU", "SVARR", "SVTAC", "PSVT", "PACE"))
"""PTB-XL's statements under which not every beat is a normal one."""
_FIBRILLATING = frozenset(("AFIB", "AFLT"))
_EARLY, _UNLIKE, _WIDER, _FEWEST_BEFORE = 0.85, 0.7, 1.2, 2


def load_strips(data: Path, cache: Path) -> Examples:
    """Settled beats of CinC 2017 (folder or tar) and PTB-XL in ``data``, from ``cache`` when the same code made them.

    ``record`` is the data set and the record, ``variant`` the data set. ``fibrillates`` is False: the rhythm head has
    been fitted on some of these. Raises RecordError when one cannot be read.
    """
    path = cache / f"beats-strips-{code_hash(Path(__file__))}.npz"
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        parts = [*_of_cinc2017(data), *_of_ptbxl(data)]
        np.savez(path, **{name: np.concatenate([part[name] for part in parts]) for name in parts[0]})
    with np.load(path) as kept:
        return Examples(**kept)


def _of_cinc2017(data: Path) -> Iterator[dict[str, np.ndarray]]:
    packed = data / f"{CINC2017}.tar"
    with recordings_in(packed if packed.exists() else data / CINC2017) as folder:
        labels = read_labels(folder)
        for name in over_records(list(labels), "measuring strips of CinC 2017"):
            features, time_s = _measured(folder / name)
            fibrillates = labels[name] == "A"
            yield _settled(features, time_s, by_rhythm(features, labels[name]), CINC2017, name, name, fibrillates)


def _of_ptbxl(data: Path) -> Iterator[dict[str, np.ndarray]]:
    listed = {each.path.stem.removesuffix("_hr"): each for each in list_ptbxl(data)}
    for name in over_records(list(listed), "measuring strips of PTB-XL"):
        each = listed[name]
        features, time_s = _measured(each.path)
        label, fibrillates = by_statements(features, each.stated), bool(each.stated & _FIBRILLATING)
        yield _settled(features, time_s, label, PTBXL, name, each.patient, fibrillates)


def _measured(path: Path) -> tuple[np.ndarray, np.ndarray]:
    block = condition(read_record(path), tail_s=TAIL_S)
    told = BeatMeasures(1).step(Rhythm(1).step(block).beats, block)
    return told.features, told.sample / GRID_HZ


def _settled(
    features: np.ndarray,
    time_s: np.ndarray,
    label: np.ndarray,
    data_set: str,
    name: str,
    patient: str,
    fibrillates: bool,
) -> dict[str, np.ndarray]:
    kept = label != UNSETTLED
    about = {"record": f"{data_set}/{name}", "variant": data_set, "fold": fold_of(data_set, patient)}
    about |= {"fibrillates": False, "unordered": fibrillates}
    columns = {key: np.full(kept.sum(), value) for key, value in about.items()}
    return columns | {"features": features[kept], "label": label[kept], "time_s": time_s[kept]}


def by_rhythm(features: np.ndarray, rhythm: str) -> np.ndarray:
    """Class of each beat, int64 (K,), N, S, V or UNSETTLED, in a strip labelled N, A, O or ~ as a whole.

    In normal rhythm and in atrial fibrillation, where no beat can be early, a beat is N unless it looks ectopic to the
    rules; in another rhythm what looks ectopic is so, and what is just like its neighbours is N.
    """
    early, ventricular = _looks_early(features), _looks_ventricular(features)
    label = np.full(len(features), UNSETTLED)
    if rhythm in ("N", "A"):
        label[~early & ~ventricular] = N
    elif rhythm == "O":
        label[_is_plain(features)] = N
        label[early], label[ventricular] = S, V
    return label


def by_statements(features: np.ndarray, stated: frozenset[str]) -> np.ndarray:
    """Class of each beat, int64 (K,), N, S, V or UNSETTLED, in ten seconds with these SCP statements."""
    label = np.full(len(features), UNSETTLED)
    ectopy = stated & ECTOPY
    if not ectopy:
        label[~_looks_early(features) & ~_looks_ventricular(features)] = N
    elif len(ectopy) == 1 and not stated & _FIBRILLATING:
        measured = _by_name(features)
        early = (measured["rr_to_median8"] < _EARLY) & (measured["known"] >= _FEWEST_BEFORE)
        unlike = (measured["like_usual"] < _UNLIKE) & (measured["width_to_usual"] > _WIDER)
        if "PAC" in ectopy:
            label[_is_plain(features)], label[early] = N, S
        elif "PVC" in ectopy:
            label[_is_plain(features)], label[early & unlike] = N, V
    return label


def _by_name(features: np.ndarray) -> dict[str, np.ndarray]:
    return dict(zip(FEATURES, features.T, strict=True))


def _in_steady_rhythm(measured: dict[str, np.ndarray]) -> np.ndarray:
    return (measured["jitter32"] < 0.07) & (measured["spread32"] < 0.25) & (measured["known"] >= 5)


def _looks_early(features: np.ndarray) -> np.ndarray:
    """Early, of the usual shape, in a steady rhythm that goes on behind it: of DS1's beats that are so, 96 % are S."""
    measured = _by_name(features)
    like = (measured["like_usual"] > 0.92) & (measured["width_to_usual"] < 1.2) & (measured["after_like"] > 0.9)
    early = (measured["rr_to_median8"] < 0.82) & (measured["next_to_median8"] > 0.9)
    return _in_steady_rhythm(measured) & like & early


def _looks_ventricular(features: np.ndarray) -> np.ndarray:
    """Early, wide and unlike, with a pause behind it, in a steady rhythm: of DS1's beats that are so, all are V."""
    measured = _by_name(features)
    unlike = (measured["like_usual"] < _UNLIKE) & (measured["width_to_usual"] > 1.15) & (measured["after_like"] > 0.9)
    early = (measured["rr_to_median8"] < _EARLY) & (measured["next_to_median8"] > 1.05)
    return _in_steady_rhythm(measured) & unlike & early


def _is_plain(features: np.ndarray) -> np.ndarray:
    """In time and of the usual shape."""
    measured = _by_name(features)
    return (np.abs(measured["rr_to_median8"] - 1) < 0.07) & (measured["like_usual"] > 0.93)
