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


MONITOR = {
    "bradycardia_bpm": (16, 120),
    "tachycardia_bpm": (60, 295),
    "extreme_bradycardia_bpm": (15, 115),
    "extreme_tachycardia_bpm": (65, 300),
    "ventricular_tachycardia_bpm": (100, 200),
    "pause_s": (1.5, 3.0),
    "asystole_s": (3, 10),
    "pvc_per_min": (1, 100),
}
"""Ranges that a bedside monitor takes (operator's manuals of Mindray ePM 12M and BeneVision N1)."""
NICU = {"bradycardia_bpm": 100, "tachycardia_bpm": 200, "extreme_bradycardia_bpm": 80, "extreme_tachycardia_bpm": 230}
"""Yellow and red limits of a neonatal ICU below 37 weeks of gestation (PMC6906083, table 6)."""


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_lie_within_what_a_monitor_takes(preset):
    outside = [name for name, (low, high) in MONITOR.items() if not low <= PRESETS[preset][name] <= high]
    assert not outside


#   preset         extreme bradycardia below   extreme tachycardia beyond   VT          (practice: 10, 20, 100–130 bpm)
PRACTICE = {
    "adult": (10, 20, 100),
    "child": (20, 20, 120),  # differs: practice of another vendor, and of the NICU
    "neonate": (20, 20, 150),  # differs twice: a healthy newborn's heart is faster than 130
    "icu": (10, 20, 100),
    "ambulatory": (10, 20, 100),
}


@pytest.mark.parametrize("preset", PRESETS)
def test_extremes_lie_beyond_the_ordinary_limits_as_in_practice(preset):
    of, (below, beyond, vt_bpm) = PRESETS[preset], PRACTICE[preset]
    assert of["extreme_bradycardia_bpm"] == max(of["bradycardia_bpm"] - below, 30)
    assert of["extreme_tachycardia_bpm"] == min(of["tachycardia_bpm"] + beyond, 240)
    assert of["ventricular_tachycardia_bpm"] == vt_bpm
    assert 3 <= of["asystole_s"] <= 10


def test_an_adult_is_judged_by_the_challenge():
    adult = PRESETS["adult"]
    names = ("asystole_s", "extreme_bradycardia_bpm", "extreme_tachycardia_bpm", "ventricular_tachycardia_bpm")
    assert tuple(adult[name] for name in names) == (4, 40, 140, 100)


def test_a_newborn_is_judged_as_in_a_neonatal_icu():
    differ = {name: (PRESETS["neonate"][name], bpm) for name, bpm in NICU.items() if PRESETS["neonate"][name] != bpm}
    assert differ == {"extreme_tachycardia_bpm": (220, 230)}  # ours tells sooner


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
