"""Labelled recordings as arrays, all in one form, and their five folds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..heads.fitting import fold_of
from ..waveform import GRID_HZ, LEAD_SLOT

LEADS = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
"""The eight leads of which the other four of the twelve are sums."""
SLOTS = np.array([LEAD_SLOT[name] for name in LEADS])
N_LEADS = len(LEADS)
RATE_HZ = GRID_HZ
SAMPLES = 10 * RATE_HZ


@dataclass(frozen=True, slots=True)
class LabelledRecords:
    """N recordings as the daemon's conditioning leaves them. What lies behind a short one's end is 0."""

    data_set: str  # folds are by data set and patient
    name: np.ndarray  # str (N,)
    patient: np.ndarray  # str (N,); a record's own name where no patient is stated
    mv: np.ndarray  # float16 (N, 8, 2500), LEADS at RATE_HZ; 0 where a lead is not there or not valid
    present: np.ndarray  # bool (N, 8), the lead was recorded
    length: np.ndarray  # int64 (N,), samples before the record's end
    stated: tuple[frozenset[str], ...]  # SCP statements of each, and superclasses stated by no statement
    age: np.ndarray  # float32 (N,) years, NaN where unknown
    sex: np.ndarray  # float32 (N,) 0 male, 1 female, NaN where unknown

    def __len__(self) -> int:
        return len(self.name)

    @property
    def fold(self) -> np.ndarray:
        """int64 (N,), 0 to 4: the one fold in which each record's patient is tested, in every table, always."""
        return np.array([fold_of(self.data_set, patient) for patient in self.patient], np.int64)

    def take(self, rows: np.ndarray | Sequence[int]) -> LabelledRecords:
        """Those of ``rows``, bool (N,) or indices."""
        at = np.arange(len(self))[np.asarray(rows)]
        columns = {field: getattr(self, field)[at] for field in _COLUMNS}
        return LabelledRecords(data_set=self.data_set, stated=tuple(self.stated[k] for k in at), **columns)


_COLUMNS = ("name", "patient", "mv", "present", "length", "age", "sex")


def concatenated(parts: Sequence[LabelledRecords]) -> LabelledRecords:
    """One set of records of several of the same data set."""
    columns = {field: np.concatenate([getattr(part, field) for part in parts]) for field in _COLUMNS}
    return LabelledRecords(
        data_set=parts[0].data_set, stated=tuple(each for part in parts for each in part.stated), **columns
    )
