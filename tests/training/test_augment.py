"""Augmentation moves signal and labels together, and invents no signal where there was none."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgstream.training import augment
from ecgstream.training.augment import Strip

HZ = 125
BEATS = np.arange(60, 2400, 100)  # a spike every 0.8 s
LENGTH = 2500


def spikes(n_leads: int = 2) -> Strip:
    mv = np.zeros((n_leads, LENGTH), np.float32)
    mv[:, BEATS] = 1.0
    return Strip(np.arange(n_leads), mv, np.ones(mv.shape, bool))


def peaks(strip: Strip) -> np.ndarray:
    return np.flatnonzero(strip.mv[0] > 0.5)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_beats_made_premature_come_early_and_the_rest_keep_their_distance(seed):
    strip, classes = spikes(), np.zeros(len(BEATS), int)
    at = augment.make_premature(strip, BEATS.astype(float), classes, np.random.default_rng(seed))
    early = np.flatnonzero(classes == 1)
    if len(early) == 0:
        np.testing.assert_array_equal(at, BEATS)
        return
    rr = np.diff(at)
    assert (np.diff(early) == 1).all() and len(early) <= max(augment.RUN_LENGTHS)
    assert ((rr[early - 1] >= 55) & (rr[early - 1] <= 86)).all()
    np.testing.assert_array_equal(np.delete(rr, early - 1), 100)
    shown = at[at < LENGTH].astype(int)
    np.testing.assert_array_equal(peaks(strip), shown)
    assert not strip.mv[~strip.valid].any()


def test_most_regular_strips_can_be_made_premature():
    made = 0
    for seed in range(50):
        classes = np.zeros(len(BEATS), int)
        augment.make_premature(spikes(), BEATS.astype(float), classes, np.random.default_rng(seed))
        made += classes.any()
    assert made > 40


def test_no_beat_is_made_premature_next_to_an_ectopic_one():
    classes = np.tile([0, 2], 12)[: len(BEATS)]
    before = classes.copy()
    augment.make_premature(spikes(), BEATS.astype(float), classes, np.random.default_rng(0))
    np.testing.assert_array_equal(classes, before)


@pytest.mark.parametrize("factor", [0.85, 1.2])
def test_stretched_beats_are_where_they_are_said_to_be(factor):
    strip = spikes()
    strip.mv = np.stack([np.convolve(lead, np.hanning(9), "same") for lead in strip.mv]).astype(np.float32)
    at = augment.stretch(strip, BEATS.astype(float), factor)
    for beat in at[at < LENGTH - 10].astype(int):
        assert strip.mv[0, beat - 1 : beat + 2].max() > 0.7
    assert not strip.mv[~strip.valid].any()


def test_renamed_leads_keep_their_signals_in_slots_of_their_own():
    for seed in range(30):
        strip = spikes(4)
        strip.mv += np.arange(4)[:, None]
        wanted = strip.mv.copy()
        augment.rename_leads(strip, np.random.default_rng(seed), 1.0)
        assert len(set(strip.slots.tolist())) == 4 and strip.slots.max() < 16
        np.testing.assert_array_equal(strip.mv, wanted)


def test_twelve_leads_are_never_renamed():
    strip = spikes(12)
    augment.rename_leads(strip, np.random.default_rng(0), 1.0)
    np.testing.assert_array_equal(strip.slots, np.arange(12))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_noise_and_dropouts_leave_invalid_samples_silent(seed):
    rng = np.random.default_rng(seed)
    strip = spikes()
    strip.valid[:, 500:700] = False
    strip.mv[:, 500:700] = 0
    augment.add_noise(strip, rng, [rng.standard_normal((2, 5000)).astype(np.float16)], 0.5)
    augment.drop_out(strip, rng)
    assert not strip.mv[~strip.valid].any()
    assert not strip.valid[:, 500:700].any()


def test_a_dropout_takes_validity_away():
    for seed in range(30):
        strip = spikes()
        augment.drop_out(strip, np.random.default_rng(seed))
        assert not strip.valid.all()
