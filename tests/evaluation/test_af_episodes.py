"""Hand-worked cases of fibrillation that is told, missed, told late or without cause."""

import numpy as np
import pytest

from ecgstream.evaluation.af_episodes import _figures, count, fibrillation
from ecgstream.evaluation.records import Annotations
from ecgstream.waveform import HOP_S


def told(*spans: tuple[float, float], duration_s: float = 300.0) -> np.ndarray:
    """Evidence that is told from the end of the hop at the first second of each span up to the second."""
    hops = np.zeros(round(duration_s / HOP_S), bool)
    for start, stop in spans:
        hops[round(start / HOP_S) - 1 : round(stop / HOP_S)] = True
    return hops


def notes(*pairs: tuple[float, str]) -> Annotations:
    return Annotations(np.array([at for at, _ in pairs]), np.array(["+"] * len(pairs)), np.array([n for _, n in pairs]))


def test_spans_end_at_the_next_rhythm_and_flutter_joins_fibrillation():
    marks = notes((0.0, "(N"), (10.0, "(AFIB"), (20.0, "(AFL"), (25.0, "MISSB"), (30.0, "(N"), (50.0, "(AFL"))
    assert fibrillation(marks, 60.0) == [(10.0, 30.0), (50.0, 60.0)]


@pytest.mark.parametrize(
    ("reference", "evidence", "episodes", "durations"),
    [
        ([(60, 120)], [(60, 120)], (1, 1, 1, 1), (60, 60, 60)),
        ([(60, 120)], [], (1, 0, 0, 0), (60, 0, 0)),
        ([], [(60, 120)], (0, 0, 1, 0), (0, 60, 0)),
        ([(60, 120)], [(90, 150)], (1, 1, 1, 1), (60, 60, 30)),  # late at both ends
        ([(60, 120)], [(120, 150)], (1, 0, 1, 0), (60, 30, 0)),  # they only touch
        ([(60, 90), (100, 130)], [(60, 130)], (2, 2, 1, 1), (60, 70, 60)),  # two told as one
        ([(60, 130)], [(60, 90), (100, 130)], (1, 1, 2, 2), (70, 60, 60)),  # one told as two
    ],
)
def test_episodes_and_durations(reference, evidence, episodes, durations):
    found = count(reference, told(*evidence), 0.0, 300.0)
    assert tuple(found[key] for key in ("episodes", "episodes_hit", "told", "told_hit")) == episodes
    assert tuple(found[key] for key in ("af_s", "told_s", "both_s")) == pytest.approx(durations)


def test_what_lies_in_the_excluded_beginning_does_not_count():
    found = count([(10, 50), (90, 150)], told((20, 60), (110, 160)), 100.0, 300.0)
    assert (found["episodes"], found["told"]) == (1, 1)
    assert (found["af_s"], found["told_s"], found["both_s"]) == pytest.approx((50, 50, 40))


def test_segments_of_both_classes_are_left_out_and_the_last_hop_decides():
    found = count(
        [(45, 120)], told((89, 130)), 0.0, 160.0
    )  # 0 other, 30 mixed, 60 and 90 AF, 120 other; 150 is no whole
    assert (found["segments_af"], found["segments_hit"]) == (2, 2)
    assert (found["segments_other"], found["segments_quiet"]) == (2, 2)
    late = count([(45, 120)], told((91, 150)), 0.0, 160.0)
    assert (late["segments_hit"], late["segments_quiet"]) == (1, 1)


def test_figures_of_nothing_are_not_defined():
    found = _figures(count([], told(), 0.0, 20.0))
    assert found["episodes"] == {"se": None, "ppv": None} and found["segments"]["sp"] is None
