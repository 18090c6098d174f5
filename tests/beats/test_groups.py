"""Two groups of intervals: what is told beat by beat is what a plain computation over all of them says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgstream.beats import FEATURES
from ecgstream.beats.groups import LEAST, NAMES
from ecgstream.beats.intervals import measure_intervals, remember_interval
from ecgstream.beats.kernel import N_FEATURES
from ecgstream.beats.state import LONG_INTERVALS, fresh

from .test_measures import of, regular

PLACES = [of(name) for name in NAMES]


def beat_by_beat(rr: np.ndarray) -> np.ndarray:
    """What each interval (s) measures among those before it, (K, len(NAMES)); NaN where it is not known."""
    state, found = fresh(1)[0], np.full((len(rr), N_FEATURES), np.nan, np.float32)
    for interval, out in zip(rr.astype(np.float32), found, strict=True):
        measure_intervals(state, interval, out)
        if interval == interval:
            remember_interval(state, interval)
    return found[:, PLACES]


def plain(before: np.ndarray, rr: float) -> list[float]:
    """The same of one interval, by every cut of the sorted steps of those before."""
    scale = np.log(np.append(before, rr).astype(np.float32) / 0.2) * 94
    steps = np.sort(np.floor(scale[:-1])[-LONG_INTERVALS:])
    if len(steps) < LEAST or np.ptp(steps) == 0:
        return [np.nan] * len(NAMES)
    cuts = [at for at in range(1, len(steps)) if steps[at] > steps[at - 1]]
    of_cut = [(steps[:at].mean() - steps[at:].mean()) ** 2 * at * (len(steps) - at) for at in cuts]
    at = cuts[int(np.argmax(np.round(of_cut, 6)))]  # of two alike, the first
    shorter, longer = steps[:at], steps[at:]
    low, high = shorter[at // 2], longer[len(longer) // 2]
    shorter_s, longer_s = 0.2 * np.exp((np.array([low, high]) + 0.5) / 94)
    return [
        max(of_cut) / len(steps) ** 2 / steps.var(), longer_s / shorter_s, at / len(steps),
        rr / longer_s, rr / shorter_s,
        (longer.mean() - shorter.mean()) / np.sqrt((shorter.var() + longer.var()) / 2 + 1 / 12),
        (np.abs(longer - high) <= 7).sum(), (steps < np.floor(scale[-1])).mean() if rr == rr else np.nan,
    ]  # fmt: skip


@given(st.integers(0, 10_000), st.floats(0.05, 0.95), st.floats(1.0, 3.0), st.floats(0, 0.2))
@settings(deadline=None, max_examples=25)
def test_beat_by_beat_and_plainly_over_all_intervals_is_the_same(seed, share, longer, jitter):
    rng = np.random.default_rng(seed)
    rr = 0.6 * np.where(rng.random(200) < share, longer, 1.0) * np.exp(jitter * rng.normal(size=200))
    rr = np.where(rng.random(200) < 0.05, np.nan, np.clip(rr, 0.25, 3.0)).astype(np.float32)
    found = beat_by_beat(rr)
    for i in rng.integers(0, 200, 20):
        before = rr[:i][~np.isnan(rr[:i])]
        np.testing.assert_allclose(found[i], plain(before, rr[i]), rtol=2e-5, atol=1e-6)


def test_where_two_of_three_beats_are_early_each_lies_in_its_group():
    """Intervals of 0.5, 0.5 and 1.1 s: the longer ones are the fewer, and no median of all is theirs."""
    rr = np.tile([0.5, 0.5, 1.1], 30)
    features, place = regular(rr)
    early, late = (features[(place > 60) & (place < 88) & ((rr[place] > 1) == longer)] for longer in (False, True))
    for beats, ratio in ((early, 0.455), (late, 1.0)):
        assert beats[:, of("rr_to_longer")] == pytest.approx(ratio, abs=0.02)
        assert beats[:, of("rr_separability")].min() > 0.99 and beats[:, of("rr_ashman_d")].min() > 10
        assert beats[:, of("rr_shorter_share")] == pytest.approx(2 / 3, abs=0.02)
        assert beats[:, of("rr_longer_to_shorter")] == pytest.approx(2.2, abs=0.05)
    assert late[:, of("next_to_longer")] == pytest.approx(0.455, abs=0.02)
    assert (early[:, of("rank128")] < 0.6).all() and (late[:, of("rank128")] > 0.6).all()


def test_what_is_older_than_the_ring_is_forgotten():
    found = beat_by_beat(np.r_[np.tile([0.4, 1.2], 20), np.tile([0.8, 0.9], 70)])
    apart = found[:, NAMES.index("rr_longer_to_shorter")]
    assert apart[39] == pytest.approx(3.0, rel=0.02) and apart[-1] == pytest.approx(0.9 / 0.8, rel=0.02)


def test_the_measures_of_groups_are_features_and_few_intervals_have_none():
    assert set(NAMES) | {"next_to_longer"} <= set(FEATURES)
    found = beat_by_beat(np.tile([0.5, 1.0], 20))
    assert np.isnan(found[:LEAST]).all() and np.isfinite(found[LEAST:]).all()
