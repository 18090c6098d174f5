"""Variants keep their beats where the signal has them."""

from fractions import Fraction

import numpy as np
import pytest

from ecgstream.evaluation.ec57 import CLASSES, BeatList
from ecgstream.evaluation.records import Record
from ecgstream.heads.beats import unordered as of_unordered
from ecgstream.heads.beats.early import made_early, mostly_early, paused, raced, swaying
from ecgstream.heads.beats.unordered import unordered
from ecgstream.heads.beats.variants import (
    moved,
    noisy,
    one_lead,
    pieces,
    read_noise,
    richer,
    stretched,
    variants,
)

from ...rhythm.signals import beat_train

TIMES = 0.4 + 0.8 * np.arange(300)
S, V = CLASSES.index("S"), CLASSES.index("V")


@pytest.fixture
def annotated():
    """Four minutes at 75 a minute, two leads; every tenth beat is called V, every 30th S."""
    signal = np.tile(beat_train([0.4], 0.8), 300)
    adu = np.round(200 * np.stack([signal, 0.5 * signal])).astype(np.int16)
    labels = np.zeros(300, int)
    labels[5::10] = V
    labels[8::30] = S
    gains = np.full(2, 0.005, np.float32)
    record = Record("made", Fraction(250), ("II", "V1"), np.array([1, 6]), adu, gains, np.zeros(2, np.float32))
    return record, BeatList(TIMES, labels)


def assert_beats_stand_on_peaks(of):
    record, beats = of
    at = np.round(beats.time_s * float(record.fs_hz)).astype(int)
    for sample in at[(at > 20) & (at < record.adu.shape[1] - 20)]:
        near = record.adu[0, sample - 20 : sample + 20]
        assert abs(int(near.argmax()) - 20) <= 3 and np.ptp(near) > 150


def test_a_lead_alone_is_the_lead(annotated):
    record, _ = one_lead(annotated, 1)
    assert record.leads == ("V1",) and record.slots.tolist() == [6]
    assert np.array_equal(record.adu[0], annotated[0].adu[1])


@pytest.mark.parametrize(
    "change", [stretched, richer, made_early, mostly_early, paused, pieces, noisy, raced, swaying, unordered]
)
def test_beats_stay_on_their_peaks(annotated, change):
    rng = np.random.default_rng(1)
    arguments = {
        richer: ("V",), noisy: (rng, [np.ones((2, 500), np.float32)] * 2),
    }.get(change, (rng,))  # fmt: skip
    changed = change(annotated, *arguments)
    for of in changed if isinstance(changed, list) else [changed]:
        assert_beats_stand_on_peaks(of)


def test_stretching_changes_the_rate(annotated):
    record, beats = stretched(annotated, np.random.default_rng(2))
    assert record.fs_hz != 250 and np.diff(beats.time_s).mean() == pytest.approx(0.8 * 250 / float(record.fs_hz))


def test_a_richer_recording_has_more_of_what_it_is_rich_in(annotated):
    _, beats = richer(annotated, "V")
    assert (beats.labels() == V).sum() == 30 and (beats.labels() == V).mean() == pytest.approx(0.2, abs=0.02)
    assert richer(annotated, "S") is None  # ten are too few


def test_beats_made_early_are_early_and_labelled(annotated):
    made = made_early(annotated, np.random.default_rng(3))
    labels, rr = made[1].labels()[1:], np.diff(made[1].time_s)
    new = (labels == S) & (annotated[1].labels()[1:] != S)
    assert new.sum() > 3 and (rr[new] < 0.72).all() and (rr[~new] > 0.79).all()


@pytest.fixture
def sinus(annotated):
    return annotated[0], BeatList(TIMES, np.zeros(300, int))


def test_where_most_beats_are_early_the_normal_ones_are_late(sinus):
    _, beats = mostly_early(sinus, np.random.default_rng(4))
    labels, rr = beats.labels()[1:], np.diff(beats.time_s)
    assert (labels == S).mean() > 0.5 and (rr[labels == S] < 0.79).all()
    assert (rr[labels != S] > 0.79).all() and (rr > 0.9).sum() > 3


def test_a_pause_of_its_own_makes_no_beat_ectopic(sinus):
    _, beats = paused(sinus, np.random.default_rng(5))
    rr = np.diff(beats.time_s)
    assert not beats.labels().any() and rr.min() > 0.79 and 3 < (rr > 0.9).sum() < 120 and rr.max() < 1.8


def test_a_race_is_long_and_all_of_it_early(sinus):
    _, beats = raced(sinus, np.random.default_rng(6))
    early = beats.labels()[1:] == S
    assert (np.diff(beats.time_s)[early] < 0.75).all() and (np.diff(beats.time_s)[~early] > 0.79).all()
    assert early.sum() >= 20 and np.abs(np.diff(early.astype(int))).sum() <= 2 * early.sum() / 20


def test_breathing_changes_intervals_and_no_class(sinus):
    _, beats = swaying(sinus, np.random.default_rng(7))
    rr = np.diff(beats.time_s)
    assert not beats.labels().any() and np.percentile(rr, 90) > 0.83 and np.percentile(rr, 10) < 0.77


def test_atria_in_no_order_make_intervals_that_do_not_follow_from_each_other_and_no_class(sinus):
    for seed in range(6):
        _, beats = unordered(sinus, np.random.default_rng(seed))
        rr = np.diff(beats.time_s)
        assert not beats.labels().any() and np.std(rr) > 0.08 and rr.min() > 0.3 and rr.max() < 2.5


def test_waves_of_flutter_stand_where_p_waves_were(sinus, monkeypatch):
    monkeypatch.setattr(of_unordered, "FLUTTER_SHARE", 1.0)
    monkeypatch.setattr(of_unordered, "FLUTTER_HZ", (5.0, 5.0))
    record, beats = unordered(sinus, np.random.default_rng(1))
    at = np.rint(beats.time_s[3:240] * 250).astype(int)
    between = [record.adu[0, a + 75 : b - 25] for a, b in zip(at, at[1:], strict=False) if b - a > 250]
    power = sum(np.abs(np.fft.rfft(piece - piece.mean(), 2500)) ** 2 for piece in between)
    assert len(between) > 5 and np.fft.rfftfreq(2500, 0.004)[power.argmax()] == pytest.approx(5.0, abs=0.4)


def test_motion_of_electrodes_is_in_the_leads_as_loud_as_it_is_to_be(annotated):
    noise = [np.zeros((2, 500), np.float32)] * 2 + [np.random.default_rng(1).normal(size=(2, 90_000))]
    record, beats = moved(annotated, np.random.default_rng(8), noise)
    added = (record.adu - annotated[0].adu).std(1) / np.ptp(annotated[0].adu, 1)
    assert ((added > 0.04) & (added < 0.36)).all() and np.array_equal(beats.time_s, TIMES)


def test_motion_is_what_the_noise_stress_test_added(recordings):
    motion = read_noise(recordings)[2]
    assert motion.shape == (2, 282_800) and motion.std(1) == pytest.approx([1, 1], rel=1e-3)
    minutes = motion[:, : 13 * 21_600].reshape(2, 13, -1).std(2)
    assert minutes.min() > 0.3


@pytest.mark.parametrize("change", [made_early, mostly_early, paused, raced, swaying, unordered])
def test_an_irregular_rhythm_is_left_as_it_is(annotated, change):
    uneven = BeatList(np.cumsum(np.random.default_rng(0).uniform(0.4, 1.2, 290)), annotated[1].labels()[:290])
    assert change((annotated[0], uneven), np.random.default_rng(1)) is None


def test_pieces_hold_all_beats_once(annotated):
    parts = pieces(annotated, np.random.default_rng(4))
    assert sum(len(beats.time_s) for _, beats in parts) == 300 and all(
        10 <= record.duration_s < 71 for record, _ in parts
    )


def test_the_same_seed_makes_the_same_variants(annotated):
    noise = [np.random.default_rng(n).normal(size=(2, 1000)).astype(np.float32) for n in range(3)]
    once, again = variants(annotated, noise, 5), variants(annotated, noise, 5)
    assert once.keys() == again.keys() >= {"whole", "first lead", "noisy", "made early", "pieces"}
    for name in once:
        for (a, _), (b, _) in zip(once[name], again[name], strict=True):
            assert np.array_equal(a.adu, b.adu)
