"""Presets hold together, faults are named, and the manual has the same figures."""

from pathlib import Path

import pytest

from ecgstream.limits import BOUNDS, PRESETS, as_dict, fault_of, limits_of

MANUAL = (Path(__file__).parents[1] / "docs" / "alarms.md").read_text()


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_keeps_its_own_rules(preset):
    assert fault_of(PRESETS[preset]) == ""
    assert as_dict(limits_of(preset)) == PRESETS[preset]


def test_the_manual_has_the_same_presets():
    lines = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in MANUAL.splitlines() if "|" in line]
    (head,) = [cells for cells in lines if cells[0] == "limit"]
    assert head == ["limit", *PRESETS, "least", "most"]
    table = {cells[0]: [float(cell) for cell in cells[1:]] for cells in lines if cells[0] in BOUNDS}
    assert table == {name: [*(preset[name] for preset in PRESETS.values()), *BOUNDS[name]] for name in BOUNDS}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"bradycardia_bpm": 35}, "extreme_bradycardia_bpm (40) must not lie above bradycardia_bpm (35)"),
        ({"extreme_tachycardia_bpm": 110}, "tachycardia_bpm (120) must not lie above extreme_tachycardia_bpm (110)"),
        ({"bradycardia_bpm": 120}, "bradycardia_bpm (120) must lie below tachycardia_bpm (120)"),
        ({"pause_s": 4, "asystole_s": 4}, "pause_s (4) must lie below asystole_s (4)"),
        ({"asystole_s": 11}, "asystole_s lies between 3 and 10; 11 was given"),
        ({"bradycardia_bpm": float("nan")}, "bradycardia_bpm lies between 20 and 150; nan was given"),
        ({"bradycardia_bpm": 40, "tachycardia_bpm": 140}, ""),
    ],
)
def test_limits_that_contradict_each_other_are_named(given, says):
    fault = fault_of(PRESETS["adult"] | given)
    assert says in fault and bool(fault) == bool(says)
