"""The PVC rate: counted over a minute, the same however hops are cut."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgstream.diagnosis.beats import CLASSES, ClassifiedBeats
from ecgstream.diagnosis.pvc_rate import LAG_HOPS, SPAN_HOPS, PvcRate
from ecgstream.waveform import HOP_SAMPLES, Conditioned

HOPS = 500
V, N = CLASSES.index("V"), CLASSES.index("N")


def block(first: int, n_hops: int, segment_hop: int = 0) -> Conditioned:
    rows = np.array([0])
    nothing = np.empty(0)
    return Conditioned(
        rows, n_hops, np.array([first]), np.array([segment_hop]), np.array([first == segment_hop]), nothing, nothing,
        nothing, nothing, nothing, nothing,
    )  # fmt: skip


def beats(samples: list[int], labels: list[int]) -> ClassifiedBeats:
    row = np.zeros(len(samples), np.int64)
    sure, paced = np.ones(len(row), np.float32), np.zeros(len(row), bool)
    return ClassifiedBeats(row, np.array(samples, np.int64), np.array(labels, np.int64), sure, paced)


def play(cuts: list[int], samples: list[int], labels: list[int]) -> np.ndarray:
    """The rate of every hop; a beat is told in the step that holds the hop ``LAG_HOPS`` after it."""
    rate, said, edges = PvcRate(1), [], [0, *sorted(cuts), HOPS]
    for start, stop in zip(edges, edges[1:], strict=False):
        if start == stop:
            continue
        now = [i for i, s in enumerate(samples) if start <= s // HOP_SAMPLES + LAG_HOPS < stop]
        told = beats([samples[i] for i in now], [labels[i] for i in now])
        said.append(rate.step(block(start, stop - start), told)[0])
    return np.concatenate(said)


def test_every_second_beat_ventricular_at_75_a_minute_is_37_5():
    samples = list(range(0, (HOPS - 20) * HOP_SAMPLES, 200))
    labels = [V if i % 2 else N for i in range(len(samples))]
    said = play(list(range(25, HOPS, 25)), samples, labels)
    assert np.isnan(said[: 75 + LAG_HOPS - 1]).all()
    assert said[100:] == pytest.approx(37.5, abs=3)


def test_beats_of_other_classes_do_not_count():
    assert play([], [1000, 2000], [CLASSES.index("F"), CLASSES.index("S")])[-1] == 0


def test_a_beat_leaves_the_rate_after_a_minute():
    said = play(list(range(5, HOPS, 5)), [50 * HOP_SAMPLES], [V])
    assert said[350 + LAG_HOPS - 1] == 1 and said[350 + LAG_HOPS] == 0


def test_a_new_segment_begins_with_nothing():
    rate = PvcRate(1)
    rate.step(block(0, 200), beats([4000, 5000], [V, V]))
    assert rate.step(block(300, 100, segment_hop=300), beats([], []))[0, -1] == 0


@settings(deadline=None, max_examples=50)
@given(
    cuts=st.lists(st.integers(1, HOPS - 1), max_size=40),
    samples=st.lists(st.integers(0, (HOPS - 10) * HOP_SAMPLES), unique=True, max_size=60),
)
def test_cutting_hops_differently_changes_nothing(cuts: list[int], samples: list[int]):
    samples = sorted(samples)
    labels = [V if s % 3 else N for s in samples]
    np.testing.assert_array_equal(play(sorted(set(cuts)), samples, labels), play([], samples, labels))


def test_a_minute_in_which_beats_were_left_out_has_no_rate():
    rate, gone, back = PvcRate(1), 150, 160
    rate.step(block(0, gone), beats([4000, 5000], [V, V]))
    rate.leave_out(block(gone, back - gone))
    late = (gone - LAG_HOPS) * HOP_SAMPLES  # of before, but not told then
    said = rate.step(block(back, HOPS - back), beats([late, 12_000], [V, V]))[0]
    whole_again = SPAN_HOPS + LAG_HOPS - 1
    assert np.isnan(said[:whole_again]).all() and (said[whole_again:] == 1).all()
