"""Each data set's labels become the targets that its documentation says they mean."""

import math

import numpy as np
import pytest

from ecgstream.training import labels

SUPERCLASS_OF = {"IMI": "MI", "NORM": "NORM", "LAFB": "CD"}


def told(target: np.ndarray, name: str) -> float:
    return float(target[labels.INDEX[name]])


def test_ptbxl_statements_and_their_superclasses():
    target = labels.ptbxl_targets("{'IMI': 35.0, 'LAFB': 100.0, 'SR': 0.0}", SUPERCLASS_OF)
    assert {name for name in labels.SCORES if told(target, name) == 1} == {"MI", "CD", "IMI", "LAFB", "SR"}
    assert told(target, "rhythm.af") == 0 and math.isnan(told(target, "noise"))


def test_ptbxl_flutter_says_nothing_of_fibrillation():
    assert told(labels.ptbxl_targets("{'AFIB': 0.0}", SUPERCLASS_OF), "rhythm.af") == 1
    assert math.isnan(told(labels.ptbxl_targets("{'AFLT': 0.0}", SUPERCLASS_OF), "rhythm.af"))


@pytest.mark.parametrize(
    ("note", "wanted"),
    [
        ("(N", [0, 0, 0, 0]),
        ("(AFIB", [1, 0, 0, 0]),
        ("(VT\x00", [0, 1, 0, 0]),
        ("(VFL", [0, 0, 1, 0]),
        ("(VFIB", [0, 0, 1, 0]),
        ("(VF", [0, 0, 1, 0]),
        ("(AFL", [np.nan, 0, 0, 0]),
        ("(NOISE", [np.nan, np.nan, np.nan, 1]),
    ],
)
def test_rhythm_annotations(note, wanted):
    np.testing.assert_array_equal(labels.rhythm_targets(note), wanted)


def test_an_alarm_that_was_true_must_rise_and_one_that_was_false_must_not():
    target, rises = labels.cinc2015_targets("Ventricular_Tachycardia", True)
    assert rises == labels.VT and np.isnan(target).all()
    target, rises = labels.cinc2015_targets("Ventricular_Tachycardia", False)
    assert rises == -1 and target[labels.VT] == 0 and target[labels.VF] == 0


def test_what_is_kept_for_validation_is_a_part_and_ds2_is_in_neither():
    kept = [name for name in labels.DS1 if labels.is_validation("mitdb", name)]
    assert sorted(kept) == sorted(labels.DS1_VALIDATION)
    assert not set(labels.DS1) & {"100", "103", "105", "200", "202", "210", "234"}
    share = np.mean([labels.is_validation("cinc2017", f"A{n:05d}") for n in range(1, 8529)])
    assert 0.1 < share < 0.25
