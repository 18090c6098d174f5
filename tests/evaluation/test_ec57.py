"""The scorer against cases worked by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgstream.evaluation import ec57
from ecgstream.evaluation.ec57 import CLASSES, NO_BEAT, BeatList, confusion, figures, match_beats, summary

N, S, V, F, Q = range(5)


def beats(times, classes=None):
    return BeatList(
        np.array(times, float), None if classes is None else np.array([CLASSES.index(c) for c in classes], int)
    )


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


NOTHING = "O"


@pytest.mark.parametrize(
    ("reference", "test", "options", "pairs"),
    [
        pytest.param("1.0V", "1.0V", {}, "VV", id="hit"),
        pytest.param("1.0V 1.2N", "1.08N", {}, "VN NO", id="merge: two beats, one detection"),
        pytest.param("1.0V", "0.9V 1.02N", {}, "OV VN", id="split: one beat, two detections; the far one is extra"),
        pytest.param("1.0S", "1.150S", {}, "SS", id="edge of the window: 150 ms is a pair"),
        pytest.param("1.0S", "1.151S", {}, "SO OS", id="edge of the window: 151 ms is none"),
        pytest.param("300.0V", "299.9V", {"skip_s": 300}, "VV", id="a beat at 300 s counts, with its earlier partner"),
        pytest.param("299.99V", "300.1V", {"skip_s": 300}, "", id="a beat before does not, nor its later partner"),
        pytest.param("9.9N", "10.0N", {"stop_s": 10.0}, "NN", id="a partner behind the end is a partner"),
        pytest.param("10.0N", "10.0N", {"stop_s": 10.0}, "", id="a beat at the end is behind it"),
        pytest.param("4.9V", "5.0V", {"excluded_s": [(5, 7)]}, "VV", id="exclusion: a pair counts where its beat lies"),
        pytest.param("5.0V", "4.9V", {"excluded_s": [(5, 7)]}, "", id="exclusion: its edges belong to it"),
        pytest.param("7.0V 7.1N", "", {"excluded_s": [(5, 7)]}, "NO", id="exclusion: both edges"),
        pytest.param("", "5.5V 8.0V", {"excluded_s": [(5, 7)]}, "OV", id="exclusion: an extra counts outside"),
        pytest.param("1N 2V 3S", "1Q 2F 3V", {}, "NQ VF SV", id="classes are not matched, only times"),
    ],
)
def test_pairs_worked_by_hand(reference, test, options, pairs):
    """Every case as a list of beats (time and class) with the pairs that count, reference class first."""

    def listed(text):
        return beats([float(beat[:-1]) for beat in text.split()], [beat[-1] for beat in text.split()])

    expected = np.zeros((6, 6), int)
    for pair in pairs.split():
        expected[tuple((*CLASSES, NOTHING).index(name) for name in pair)] += 1
    assert np.array_equal(confusion(listed(reference), listed(test), **{"skip_s": 0, **options}), expected)


def test_gross_figures_of_a_table_worked_by_hand():
    """Of 10 V: 7 V, 1 N, 1 F, 1 missed. Of 8 S: 5 S, 2 N, 1 V. Called V besides: 3 N, 2 F, 1 Q, 2 nothing."""
    counts = np.zeros((6, 6), int)
    counts[V, [V, N, F, NO_BEAT]] = 7, 1, 1, 1
    counts[S, [S, N, V]] = 5, 2, 1
    counts[[N, F, Q, NO_BEAT], V] = 3, 2, 1, 2
    counts[[N, F, Q], S] = 4, 1, 1
    counts[N, N] = 90
    result = figures(counts)
    assert (result["veb"]["tp"], result["veb"]["fn"], result["veb"]["fp"]) == (7, 3, 1 + 3 + 2)
    assert (result["sveb"]["tp"], result["sveb"]["fn"], result["sveb"]["fp"]) == (5, 3, 4 + 1)
    assert result["veb"]["se"] == 70.0 and result["veb"]["ppv"] == pytest.approx(100 * 7 / 13)
    assert result["sveb"]["se"] == 62.5 and result["sveb"]["ppv"] == 50.0
    assert result["qrs"] == {"tp": 119, "fn": 1, "fp": 2, "se": pytest.approx(100 * 119 / 120), "ppv": 100 * 119 / 121}


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
