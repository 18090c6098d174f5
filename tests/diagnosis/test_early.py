"""S is told hardly where the atria are in no order, readily where many beats lately were S beyond doubt."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgstream.beats import FEATURES
from ecgstream.diagnosis.early import EarlyBeats, weighed

THRESHOLDS = {"N": 1.0, "S": 4.0, "V": 1.0, "F": 1.0}
SURE, DOUBTFUL, UNLIKELY = (0.02, 0.96, 0.01, 0.01), (0.55, 0.3, 0.1, 0.05), (0.8, 0.1, 0.05, 0.05)
VENTRICULAR = (0.2, 0.3, 0.4, 0.1)
N, S, V, F = range(4)


def of(beats: int, p_like: float = np.nan, jitter: float = np.nan) -> np.ndarray:
    """Features of ``beats`` alike, all unknown but two."""
    features = np.full((beats, len(FEATURES)), np.nan, np.float32)
    features[:, FEATURES.index("p_usual_like")], features[:, FEATURES.index("jitter32")] = p_like, jitter
    return features


def told(*probability: tuple[float, ...], **known: float) -> list[int]:
    """Classes of the beats of one row."""
    row, features = np.zeros(len(probability), int), of(len(probability), **known)
    return EarlyBeats(1).told(row, np.array(probability), features, THRESHOLDS).tolist()


@pytest.mark.parametrize(
    ("probability", "expected"),
    [((0.6, 0.2, 0.1, 0.1), N), ((0.1, 0.85, 0.05, 0), S), ((0.3, 0.1, 0.5, 0.1), V), ((0.2, 0, 0.3, 0.5), F)],
)
def test_the_greatest_against_its_threshold_is_told(probability, expected):
    assert told(probability) == [expected]


@pytest.mark.parametrize(
    ("before", "known", "beat", "expected"),
    [
        (11, {"p_like": 0.8}, DOUBTFUL, S),
        (10, {"p_like": 0.8}, DOUBTFUL, N),
        (11, {"jitter": 0.05}, DOUBTFUL, S),
        (11, {"p_like": 0.1, "jitter": 0.3}, DOUBTFUL, N),
        (11, {}, DOUBTFUL, N),
        (100, {"p_like": 0.8}, UNLIKELY, N),
        (100, {"p_like": 0.8}, VENTRICULAR, V),
    ],
    ids=["many", "not yet many", "steady", "no order", "order unknown", "unlikely", "ventricular"],
)
def test_what_would_be_n_is_told_s_more_readily_where_many_were(before, known, beat, expected):
    assert told(*[SURE] * before, beat, **known) == [S] * before + [expected]


def test_beats_told_s_without_being_beyond_doubt_are_not_counted():
    likely = (0.1, 0.8, 0.05, 0.05)
    assert told(*[likely] * 300, DOUBTFUL, p_like=0.8) == [S] * 300 + [N]


def test_many_are_forgotten():
    later = told(*[SURE] * 20, *[DOUBTFUL] * 100, p_like=0.8)[20:]
    assert later[:20] == [S] * 20 and later[-20:] == [N] * 20


@settings(deadline=None)
@given(st.data())
def test_rows_and_cuts_change_nothing(data):
    rows = data.draw(st.lists(st.integers(0, 2), min_size=1, max_size=60))
    kinds = data.draw(
        st.lists(st.sampled_from((SURE, DOUBTFUL, UNLIKELY, VENTRICULAR)), min_size=len(rows), max_size=len(rows))
    )
    cuts = sorted(data.draw(st.lists(st.integers(0, len(rows)), max_size=5)))
    row, probability, features = np.array(rows), np.array(kinds), of(len(rows), p_like=0.8)
    alone = np.empty(len(rows), int)
    for one in set(rows):
        alone[row == one] = told(*probability[row == one], p_like=0.8)
    early, found = EarlyBeats(3), []
    for start, stop in zip([0, *cuts], [*cuts, len(rows)], strict=True):
        piece = slice(start, stop)
        found += early.told(row[piece], probability[piece], features[piece], THRESHOLDS).tolist()
        for one in range(3):
            saved = early.save(one)
            early.reset(np.array([one]))
            early.restore(one, saved)
    assert found == alone.tolist()


NOWHERE = (0.4, 0.3, 0.1, 0.05, 0.15)
"""Of N, S, V, F and A."""


def test_a_counts_half_against_s_and_wholly_against_others():
    ((n, s, v, f),) = weighed(np.array([NOWHERE]), of(1), np.array([False]))
    assert (n, v, f) == pytest.approx((0.55, 0.1, 0.05)) and s == pytest.approx(0.3 * (0.55 / 0.4) ** 0.5)


@pytest.mark.parametrize(
    ("fibrillates", "unordered", "known", "times"),
    [
        (False, 0.15, {}, 1),
        (False, 0.6, {}, 0.05),
        (True, 0.3, {}, 0.05),
        (True, 0.03, {}, 1),
        (True, 0.3, {"p_like": 0.8, "jitter": 0.02}, 0.05),
        (False, 0.15, {"p_like": 0.1, "jitter": 0.3}, 0.05),
        (True, 0.6, {"p_like": 0.1, "jitter": 0.3}, 0.05),
        (False, 0.15, {"p_like": 0.1, "jitter": 0.05}, 1),
        (False, 0.15, {"p_like": 0.8, "jitter": 0.3}, 1),
        (False, 0.15, {"p_like": 0.1}, 1),
    ],
)
def test_a_beat_is_less_likely_early_where_the_atria_are_in_no_order(fibrillates, unordered, known, times):
    n, s = 0.2, 0.1
    ((_, early, *_),) = weighed(np.array([(n, s, 0.05, 0.05, unordered)]), of(1, **known), np.array([fibrillates]))
    assert early == pytest.approx(times * s * ((n + unordered) / n) ** 0.5)
