"""Correlations side by side are those of each beat alone."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgstream.rhythm.shape import correlation, correlations
from ecgstream.rhythm.state import SHAPE


@settings(deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 60), st.sampled_from([1, 2]), st.sampled_from([np.float32, np.float64]))
def test_correlations_are_those_of_one_beat_to_the_last_digit(seed: int, first: int, step: int, kind: type):
    rng, found = np.random.default_rng(seed), np.zeros(11)
    ecg, shape = rng.normal(0, 0.1, 140).cumsum().astype(np.float32), rng.normal(0, 1, SHAPE).astype(kind)
    correlations(ecg, first, step, shape, found)
    places = first + step * np.arange(11)
    assert found.tolist() == [correlation(ecg[place : place + SHAPE], shape) for place in places]
