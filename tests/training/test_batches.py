"""Batches: targets stand where the encoder can know, beats at the token that tells of them."""

import numpy as np

from ecgstream.training import labels
from ecgstream.training.augment import Strip
from ecgstream.training.batches import NO_BEAT, NOT_SUPERVISED, beat_targets, diagnostic_batch, monitoring_batch


def strip_of(seconds: int) -> Strip:
    mv = np.zeros((1, seconds * 125), np.float32)
    return Strip(np.array([1]), mv, np.ones(mv.shape, bool))


def test_a_beat_is_told_by_three_tokens_0_4_s_later():
    targets = beat_targets(np.array([500.0]), np.array([2]), strip_of(10))  # 4 s: token 100, told at 110
    assert np.flatnonzero(targets == 2).tolist() == [109, 110, 111]
    assert (targets[35:109] == NO_BEAT).all() and (targets[112:] == NO_BEAT).all()
    assert (targets[:35] == NOT_SUPERVISED).all()


def test_nothing_is_said_of_times_without_signal():
    strip = strip_of(10)
    strip.valid[:, 500:625] = False
    targets = beat_targets(np.array([]), np.array([], int), strip)
    assert (targets[110:135] == NOT_SUPERVISED).all()
    assert (targets[136:] == NO_BEAT).all()


def test_diagnoses_are_asked_for_after_six_seconds(sources):
    batch = diagnostic_batch(sources, 8, np.random.default_rng(0))
    assert batch.samples.shape == (8, 32, 1250) and batch.targets.shape == (8, 50, labels.N_SCORES)
    assert np.isnan(batch.targets[:, :29, 0]).all() and not np.isnan(batch.targets[:, 31, 0]).any()
    assert (batch.beats == NOT_SUPERVISED).all()


def test_samples_are_zero_where_they_are_not_valid(sources):
    for seed in range(5):
        samples = monitoring_batch(sources, 16, np.random.default_rng(seed)).samples
        mv, valid = samples[:, :16], samples[:, 16:]
        assert set(np.unique(valid)) <= {0.0, 1.0}
        assert not mv[valid == 0].any()
        assert np.isfinite(samples).all()


def test_only_annotated_beats_are_supervised(sources):
    batch = monitoring_batch(sources, 64, np.random.default_rng(0))
    supervised = (batch.beats != NOT_SUPERVISED).any(1)
    assert 0.2 < supervised.mean() < 0.8
    beats = batch.beats[supervised]
    assert 0.08 < (beats < NO_BEAT).mean() / (beats != NOT_SUPERVISED).mean() < 0.3  # 3 tokens of 20 a beat
    assert (batch.rises >= 0).any() and (batch.rises < 0).any()
