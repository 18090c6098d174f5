"""The scorer against cases worked by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgstream.evaluation import ec57
from ecgstream.evaluation.ec57 import CLASSES, NO_BEAT, BeatList, confusion, figures, match_beats, summary

N, S, V, F, Q = range(5)


def beats(times, classes=None):
    return BeatList(np.array(times, float), None if classes is None else np.array([CLASSES.index(c) for c in classes]))


def qrs(counts):
    figure = figures(counts, with_classes=False)["qrs"]
    return figure["tp"], figure["fn"], figure["fp"]


@pytest.mark.parametrize(
    ("reference", "test", "expected"),
    [
        pytest.param([1, 2, 3], [1, 2, 3], [0, 1, 2], id="perfect"),
        pytest.param([1, 2], [1.150, 2.151], [0, -1], id="the window includes 150 ms and not 151"),
        pytest.param([1, 2], [0.850, 1.849], [0, -1], id="so it does on the early side"),
        pytest.param([1.0], [0.9, 1.02], [1], id="split: the nearer of two detections is the partner"),
        pytest.param([1.0], [0.98, 1.1], [0], id="split: the first detection is nearer"),
        pytest.param([1.0, 1.2], [1.12], [-1, 0], id="merge: one detection between two beats goes to the nearer"),
        pytest.param([1.0, 1.2], [1.08], [0, -1], id="merge: the first is nearer"),
        pytest.param([1.0, 1.2], [0.9, 1.05, 1.2], [1, 2], id="an extra before a pair"),
        pytest.param([], [1.0], [], id="no reference"),
        pytest.param([1.0], [], [-1], id="no detection"),
    ],
)
def test_match_beats(reference, test, expected):
    assert match_beats(np.array(reference, float), np.array(test, float)).tolist() == expected


@given(st.lists(st.floats(0, 20), max_size=30), st.lists(st.floats(0, 20), max_size=30))
@settings(deadline=None, max_examples=100)
def test_partners_are_one_to_one_in_order_and_in_the_window(reference, test):
    reference, test = np.sort(reference), np.sort(test)
    partner = match_beats(reference, test)
    paired = partner[partner >= 0]
    assert (np.diff(paired) > 0).all()
    assert (abs(reference[partner >= 0] - test[paired]) <= ec57.MATCH_WINDOW_S + 1e-5).all()


def test_the_first_minutes_are_left_out_on_both_sides():
    counts = confusion(beats([10, 299.95, 301, 302]), beats([5, 300.01, 301, 310]), skip_s=300)
    assert qrs(counts) == (1, 1, 1)  # 301 paired; 302 missed; 310 extra; 299.95 with its late partner not counted


def test_what_lies_in_an_excluded_interval_counts_neither_way():
    counts = confusion(beats([1, 5, 9]), beats([1, 4, 6, 9, 9.5]), skip_s=0, excluded_s=[(3.0, 7.0)])
    assert qrs(counts) == (2, 0, 1)


def test_ectopic_figures_forgive_fusion_and_unclassifiable_beats():
    reference = beats([1, 2, 3, 4, 5, 6, 7], "VVNFQSS")
    test = beats([1, 2, 3, 4, 5, 6, 8], "VNVVVVS")
    result = figures(confusion(reference, test, skip_s=0))
    veb, sveb = result["veb"], result["sveb"]
    # V->V hit, V->N missed; N->V and S->V extra, F->V and Q->V forgiven
    assert (veb["tp"], veb["fn"], veb["fp"]) == (1, 1, 2)
    assert veb["se"] == 50.0 and veb["ppv"] == pytest.approx(100 / 3)
    # S->V and the undetected S missed; the S at 8 stands on no beat
    assert (sveb["tp"], sveb["fn"], sveb["fp"]) == (0, 2, 1)


def test_a_beat_called_unclassifiable_is_a_missed_ectopic():
    assert figures(confusion(beats([1], "V"), beats([1], "Q"), skip_s=0))["veb"]["fn"] == 1


def test_gross_adds_and_average_weighs_records_alike():
    long = confusion(beats(range(1, 100)), beats(range(1, 100)), skip_s=0)
    short = confusion(beats([1, 2]), beats([1]), skip_s=0)
    result = summary(["long", "short"], [long, short], with_classes=False)
    assert result["gross"]["qrs"]["se"] == pytest.approx(100 * 100 / 101)
    assert result["average"]["qrs"] == {"se": 75.0, "ppv": 100.0}
    assert [record["record"] for record in result["records"]] == ["long", "short"]


def test_undefined_figures_are_none_and_leave_the_average_alone():
    empty = confusion(beats([]), beats([]), skip_s=0)
    full = confusion(beats([1], "V"), beats([1], "V"), skip_s=0)
    result = summary(["a", "b"], [empty, full])
    assert result["records"][0]["qrs"]["se"] is None
    assert result["average"]["veb"]["se"] == 100.0
    assert summary([], [])["gross"]["qrs"]["ppv"] is None


def test_symbols_map_to_the_standards_classes():
    symbols = np.array(list("NLRejaAJSVEF/fQ+~![]|x"))
    found = ec57.reference_beats(np.arange(len(symbols), dtype=float), symbols)
    assert found.classes.tolist() == [N] * 5 + [S] * 4 + [V] * 2 + [F] + [Q] * 3
    assert found.time_s.tolist() == list(range(15))


def test_unmatched_beats_meet_no_class():
    counts = confusion(beats([1], "S"), beats([2], "V"), skip_s=0)
    assert counts[S, NO_BEAT] == 1 and counts[NO_BEAT, V] == 1 and counts.sum() == 2
