"""Each fault does what it says, and nothing besides."""

import numpy as np
import pytest

from ecgstream.waveform import Chunk
from simulators.faults import POISON, WILD_NS, Faults
from simulators.feed import Bed, chunks
from simulators.script import episode

from .signals import patient

START_NS = 1_700_000_000_000_000_000
N = 400
ONE = patient(episode("sinus", 0, N), leads=("II",), fs=50)
CLEAN = list(chunks(Bed("bed", ONE, START_NS), N, 1.0))


def sequences(due):
    return [d.content.sequence for d in due if isinstance(d.content, Chunk)]


def starts_s(due):
    return np.array([(d.content.start_ns - START_NS) / 1e9 for d in due])


def played(seed=0, **faults):
    return list(Faults(**faults).apply(CLEAN, seed))


def test_no_faults_change_nothing():
    out = played()
    assert sequences(out) == list(range(N))
    assert [(d.due_s, d.content.start_ns) for d in out] == [(d.due_s, d.content.start_ns) for d in CLEAN]
    assert all(a.content.ecg is b.content.ecg for a, b in zip(out, CLEAN, strict=True))


def test_drop_loses_about_its_share():
    lost = N - len(played(drop=0.2))
    assert 50 <= lost <= 110  # 80 expected, standard deviation 8
    assert sorted(sequences(played(drop=0.2))) == sequences(played(drop=0.2))


def test_duplicates_come_at_once():
    order = sequences(played(duplicate=0.2))
    assert 50 <= len(order) - N <= 110
    assert order == sorted(order) and set(order) == set(range(N))


def test_reordered_chunks_change_places_with_the_next_and_dues_keep_rising():
    out = played(reorder=0.2)
    order = np.array(sequences(out))
    assert sorted(order) == list(range(N))
    assert np.abs(order - np.arange(N)).max() == 1
    assert 80 <= np.count_nonzero(order != np.arange(N)) <= 200
    assert np.all(np.diff([d.due_s for d in out]) >= 0)


def test_jitter_moves_start_times_but_no_sample():
    error_s = starts_s(played(jitter_s=0.02)) - np.arange(N)
    assert 0.015 < error_s.std() < 0.025 and abs(error_s.mean()) < 0.005
    assert sequences(played(jitter_s=0.02)) == list(range(N))


def test_drift_delivers_at_the_true_rate_what_is_declared_at_another():
    out = played(true_rate=499.3 / 500)
    np.testing.assert_allclose(np.diff(starts_s(out)), 500 / 499.3, rtol=1e-6)
    np.testing.assert_allclose(np.diff([d.due_s for d in out]), 500 / 499.3, rtol=1e-6)
    assert all(d.content.ecg.layout.fs_hz == 50 for d in out)


def test_a_gap_takes_its_chunks_and_their_numbers():
    assert sequences(played(gap=(5, 30))) == [*range(30), *range(35, N)]


def test_a_clock_step_moves_all_that_follows():
    error_s = starts_s(played(clock_step=(-3, 40))) - np.arange(N)
    np.testing.assert_allclose(error_s, np.where(np.arange(N) >= 40, -3, 0), atol=1e-6)


def test_a_wild_clock_goes_on_from_2099():
    out = played(wild_clock_at=20)
    assert out[19].content.start_ns == START_NS + 19 * 10**9
    assert [d.content.start_ns for d in out[20:23]] == [WILD_NS + i * 10**9 for i in range(3)]


def test_one_poison_message_comes_when_told():
    out = played(poison_at=10)
    assert [i for i, d in enumerate(out) if d.content == POISON] == [10]
    assert sequences(out) == list(range(N))


def test_the_seed_decides_and_faults_do_not_disturb_each_other():
    assert sequences(played(drop=0.1)) == sequences(played(drop=0.1)) != sequences(played(seed=1, drop=0.1))
    assert set(sequences(played(drop=0.1, duplicate=0.1, reorder=0.1))) == set(sequences(played(drop=0.1)))


def test_faults_are_told_in_words():
    told = Faults.parse(["drop=0.01", "gap=5@30", "clock_step=-3@40", "poison_at=10"])
    assert told == Faults(drop=0.01, gap=(5, 30), clock_step=(-3, 40), poison_at=10)


@pytest.mark.parametrize("text", ["dorp=1", "drop", "drop=a", "gap=5", "drop=0.1@3", ""])
def test_a_fault_that_is_none_is_refused_with_what_there_is(text):
    with pytest.raises(ValueError, match=r"write NAME=NUMBER for .*drop.* and gap=SECONDS@WHEN"):
        Faults.parse([text])
