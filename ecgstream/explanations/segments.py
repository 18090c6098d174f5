"""Which wave a sample belongs to: by a recording's own marks, or by distance from the QRS complexes found."""

from __future__ import annotations

from enum import IntEnum
from pathlib import Path

import numpy as np

from ..evaluation.records import Annotations, read_annotations


class Wave(IntEnum):
    """Part of a heart beat."""

    BETWEEN = 0
    P = 1
    QRS = 2
    T = 3


NAMES = {Wave.BETWEEN: "between", Wave.P: "P", Wave.QRS: "QRS", Wave.T: "T"}
P_S = (-0.24, -0.06)
QRS_S = (-0.06, 0.08)
T_S = (0.08, 0.44)
"""From the QRS: where the waves of an adult at 60 bpm lie. T ends sooner where the next P comes sooner."""
_SYMBOLS = {"p": Wave.P, "N": Wave.QRS, "t": Wave.T}


def waves_by_beats(time_s: np.ndarray, beats_s: np.ndarray) -> np.ndarray:
    """``Wave`` int8 (T,) of samples at ``time_s`` from the times of QRS complexes, by fixed distances from these.

    P and T are where such waves would be: in atrial fibrillation what is counted as P is what there is in its place.
    """
    waves = np.full(len(time_s), Wave.BETWEEN, np.int8)
    for wave, (start_s, stop_s) in ((Wave.T, T_S), (Wave.P, P_S), (Wave.QRS, QRS_S)):
        for beat_s in beats_s:
            waves[(time_s >= beat_s + start_s) & (time_s < beat_s + stop_s)] = wave
    return waves


def waves_by_marks(time_s: np.ndarray, beats_s: np.ndarray, record: Path, leads: tuple[str, ...]) -> np.ndarray:
    """``Wave`` int8 (C, T) from LUDB's annotations of each lead beside a record; by beats before and after these.

    Onset, peak and end of each wave are marked as ``(``, p, N or t, and ``)`` (Kalyakulina et al. 2020); a wave that
    lacks its onset or its end, as a few do, is left out. Raises RecordError where there are none.
    """
    by_beats = waves_by_beats(time_s, beats_s)
    return np.stack([_marked(time_s, by_beats, read_annotations(record, lead.lower())) for lead in leads])


def has_marks(record: Path, leads: tuple[str, ...]) -> bool:
    """Whether annotations of every lead lie beside a record."""
    return all(record.with_name(f"{record.name}.{lead.lower()}").exists() for lead in leads)


def _marked(time_s: np.ndarray, by_beats: np.ndarray, marks: Annotations) -> np.ndarray:
    waves = by_beats.copy()
    if not len(marks.time_s):
        return waves
    waves[(time_s >= marks.time_s[0]) & (time_s <= marks.time_s[-1])] = Wave.BETWEEN
    for at in range(1, len(marks.symbol) - 1):
        wave = _SYMBOLS.get(marks.symbol[at])
        if wave is not None and marks.symbol[at - 1] == "(" and marks.symbol[at + 1] == ")":
            waves[(time_s >= marks.time_s[at - 1]) & (time_s <= marks.time_s[at + 1])] = wave
    return waves
