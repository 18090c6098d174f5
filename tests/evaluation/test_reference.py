"""Lethal episodes told from annotations, by cases worked by hand."""

import numpy as np
import pytest

from ecgstream.evaluation.records import Annotations
from ecgstream.evaluation.reference import VENTRICULAR, lethal_episodes, provable_conditions
from ecgstream.waveform import LETHAL, Condition

VT, VF = Condition.VENTRICULAR_TACHYCARDIA, Condition.VENTRICULAR_FIBRILLATION


def annotations(rows) -> Annotations:
    rows = sorted(rows)
    return Annotations(*(np.array([row[i] for row in rows], kind) for i, kind in ((0, float), (1, str), (2, str))))


def beats(times, symbol="N"):
    return [(float(time), symbol, "") for time in times]


def note(time_s, text):
    return (time_s, "+", text)


def found(rows, duration_s=100.0):
    episodes = lethal_episodes(annotations(rows), duration_s)
    return [(e.condition, round(e.start_s, 2), round(e.stop_s, 2)) for e in episodes]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param([note(10, "(VFL"), note(14, "(N")], [(VF, 10, 14)], id="flutter of 4 s"),
        pytest.param([note(10, "(VFL"), note(13.9, "(N")], [], id="flutter too short"),
        pytest.param([note(10, "(VT"), note(13, "(N")], [(VT, 10, 13)], id="VT of 3 s"),
        pytest.param([note(10, "(VT"), note(12.9, "(N")], [], id="VT too short"),
        pytest.param([note(90, "(VFIB")], [(VF, 90, 100)], id="to the end"),
        pytest.param([note(10, "(VT"), note(20, "(VFL"), note(30, "(N")], [(VT, 10, 30)], id="touching: one"),
        pytest.param([(10, "[", ""), (15, "]", "")], [(VF, 10, 15)], id="bracketed flutter"),
        pytest.param([note(10, "(AFIB"), note(50, "(N")], [], id="other rhythms"),
    ],
)
def test_noted_episodes(rows, expected):
    assert found(rows) == expected


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param(beats([1, 2, 6, 7]), [(Condition.ASYSTOLE, 2, 6)], id="4 s without a beat"),
        pytest.param(beats([1, 2, 5.9, 7]), [], id="3.9 s"),
        pytest.param(beats(np.arange(5) * 1.6), [(Condition.EXTREME_BRADYCARDIA, 0, 6.4)], id="four slow intervals"),
        pytest.param(beats(np.arange(4) * 1.6), [], id="three"),
        pytest.param(beats(np.arange(4) * 2.7), [(Condition.EXTREME_BRADYCARDIA, 0, 8.1)], id="three that fill 8 s"),
        pytest.param(beats(np.arange(17) * 0.42), [(Condition.EXTREME_TACHYCARDIA, 0, 6.72)], id="16 fast intervals"),
        pytest.param(beats(np.arange(16) * 0.42), [], id="15"),
        pytest.param(beats(np.arange(5) * 0.5, "V"), [(VT, 0, 2)], id="five ventricular beats"),
        pytest.param(beats(np.arange(4) * 0.5, "V"), [], id="four"),
        pytest.param(beats(np.arange(5) * 0.61, "V"), [], id="too slow for VT"),
    ],
)
def test_episodes_from_beats(rows, expected):
    assert found(rows) == expected


@pytest.mark.parametrize(
    ("rows", "definition_s"),
    [
        pytest.param(beats([1, 2, 7, 8]), 4, id="asystole: 4 s, however long it lasts"),
        pytest.param(beats(np.arange(9) * 1.6), 6.4, id="the first four of eight slow intervals"),
        pytest.param(beats([0, 1.6, 4.5, 8.4, 10]), 8, id="8 s, though the third interval lasts longer"),
        pytest.param(beats(np.arange(30) * 0.4), 6.4, id="the first 16 of 29 fast intervals"),
        pytest.param(beats(np.arange(9) * 0.5, "V"), 2, id="the first five of nine ventricular beats"),
        pytest.param([note(10, "(VT"), note(20, "(N")], 3, id="VT by its note"),
        pytest.param([note(10, "(VT"), note(20, "(N"), *beats(10 + np.arange(9) * 0.5, "V")], 2, id="by its beats"),
        pytest.param([note(10, "(VFL"), note(20, "(N")], 4, id="flutter"),
    ],
)
def test_how_long_a_definition_takes_to_be_met(rows, definition_s):
    (episode,) = lethal_episodes(annotations(rows), 100.0)
    assert episode.definition_s == pytest.approx(definition_s)


def test_the_absence_of_annotated_beats_in_flutter_is_no_asystole():
    rows = beats([1, 2, 3]) + [(3.2, "[", ""), (12, "]", "")] + beats([12.4, 13.2])
    assert found(rows) == [(VF, 3.2, 12)]


def test_what_annotations_can_prove():
    assert provable_conditions(annotations(beats([1, 2]))) == LETHAL
    assert provable_conditions(annotations([note(1, "(N")])) == VENTRICULAR
