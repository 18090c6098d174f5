"""The streaming encoder over labelled recordings: its rolling scores at each recording's end."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from ..diagnosis import Model
from ..diagnosis.model import SHIPPED
from ..labelled import LabelledRecords
from ..labelled.records import SLOTS
from ..models.encoder import GRID_STEP
from ..waveform import LEAD_SLOT
from .examples import Example
from .predict import predict

_SMALLEST = 1e-6
_LIMB = (("III", -1.0, 1.0), ("aVR", -0.5, -0.5), ("aVL", 1.0, -0.5), ("aVF", -0.5, 1.0))
"""Leads as the daemon derives them where I and II are measured: multiples of I and II."""


def encoder_logits(model: Model, records: LabelledRecords) -> np.ndarray:
    """Logits float (N, S) of the scores at each recording's end, nothing withheld."""
    told = predict(model, [_example(records, row) for row in range(len(records))])
    scores = np.clip([each.scores[-1] for each in told], _SMALLEST, 1 - _SMALLEST)
    return np.log(scores / (1 - scores))


def records_seen_by(folder: Path | None = None) -> dict[str, frozenset[str]]:
    """Names of the records that an encoder was trained or calibrated on, by data set; PTB-XL's as five digits."""
    path = (folder or SHIPPED) / "records.json"
    stated = json.loads(path.read_text()) if path.exists() else {}
    data_sets = {name for purpose in stated.values() for name in purpose}
    return {
        name: frozenset(record for purpose in stated.values() for record in purpose.get(name, ())) for name in data_sets
    }


def _example(records: LabelledRecords, row: int) -> Example:
    mv = records.mv[row, :, 1 : records.length[row] : GRID_STEP]
    slots, leads = list(SLOTS[records.present[row]]), list(mv[records.present[row]])
    if records.present[row, :2].all():
        slots += [LEAD_SLOT[name] for name, _, _ in _LIMB]
        leads += [(a * mv[0].astype(np.float32) + b * mv[1]).astype(np.float16) for _, a, b in _LIMB]
    stacked = np.array(leads)
    unknown = np.empty(0, np.float32)
    return Example(
        records.data_set, records.name[row], np.array(slots), stacked, np.ones(stacked.shape, bool), 0.0, unknown
    )
