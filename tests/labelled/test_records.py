"""Folds: by patient, always the same."""

import numpy as np

from ecgstream.labelled.records import LabelledRecords, concatenated


def records(patients: list[str]) -> LabelledRecords:
    n = len(patients)
    return LabelledRecords(
        "ptbxl", np.array([f"{k:05d}" for k in range(n)]), np.array(patients), np.zeros((n, 8, 2500), np.float16),
        np.ones((n, 8), bool), np.full(n, 2500), tuple(frozenset({"SR"}) for _ in patients),
        np.full(n, 50, np.float32), np.zeros(n, np.float32),
    )  # fmt: skip


def test_a_patients_records_share_a_fold_that_never_changes():
    assert list(records(["15709", "13243", "15709", "20372"]).fold) == [3, 4, 3, 1]


def test_taken_rows_keep_what_belongs_to_them():
    part = records(["1", "2", "3"]).take(np.array([True, False, True]))
    assert list(part.patient) == ["1", "3"] and len(part.stated) == 2
    assert list(concatenated([part, part]).patient) == ["1", "3", "1", "3"]
