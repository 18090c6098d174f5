"""Framing does not matter, neighbours do not matter, and what is saved goes on as if nothing had happened."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgstream.cutting import cut
from ecgstream.rhythm import Rhythm
from ecgstream.rhythm.state import ROW
from ecgstream.waveform import LEAD_SLOT, Conditioned, Reason, RhythmResult

from .signals import beat_train, conditioned, noise, spoil, stack

PER_HOP = ("evidence", "onset", "reason", "hr_bpm", "pvc_per_min", "standstill", "waves")
PER_BEAT = ("row", "sample", "ventricular", "confirmed_hop")


def ward_bed(seed: int, first_hop: int = 0) -> Conditioned:
    """60 s of beats at random intervals, runs of broad ones, a pause, a gap, a noisy stretch, and a lead that comes
    loose for some seconds."""
    random = np.random.default_rng(seed)
    times = np.cumsum(random.uniform(0.35, 1.1, 90))
    times[40:] += random.uniform(0, 6)
    wide = set(range(20, 28)) | set(random.integers(0, 90, 8).tolist())
    signal = beat_train(times[times < 58], 60, wide)
    leads = {"II": signal + noise(len(signal), seed), "V1": -0.6 * signal + noise(len(signal), seed + 1)}
    block = conditioned(leads, first_hop)
    gap = int(random.integers(100, 200))
    spoil(block, gap, gap + int(random.integers(1, 15)), Reason.MISSING)
    spoil(block, 220, 223, Reason.NOISE)
    spoil(block, 60, 60 + int(random.integers(1, 30)), Reason.NOISE)
    spoil(block, 252, 252 + 30 * (seed % 2), Reason.FLAT)
    loose = int(random.integers(20, 150))
    spoil(block, loose, loose + int(random.integers(5, 40)), Reason.LEAD_OFF, lead=LEAD_SLOT["V1"])
    return block


def together(parts: list[RhythmResult]) -> dict[str, np.ndarray]:
    whole = {name: np.concatenate([getattr(part, name) for part in parts], axis=1) for name in PER_HOP}
    whole |= {f"in_noise_{n}": np.concatenate([getattr(part.beats_in_noise, n) for part in parts]) for n in PER_BEAT}
    return whole | {name: np.concatenate([getattr(part.beats, name) for part in parts]) for name in PER_BEAT}


def assert_same(a: dict[str, np.ndarray], b: dict[str, np.ndarray]):
    for name in a:
        np.testing.assert_array_equal(a[name], b[name], err_msg=name)


@given(st.integers(0, 50), st.sets(st.integers(1, 299), max_size=40))
@settings(deadline=None, max_examples=40)
def test_cutting_the_hops_differently_changes_nothing(seed, cuts):
    block = ward_bed(seed)
    edges = [0, *sorted(cuts), 300]
    rhythm = Rhythm(1)
    parts = [rhythm.step(cut(block, a, b)) for a, b in zip(edges, edges[1:], strict=False)]
    whole = together([Rhythm(1).step(block)])
    assert len(whole["sample"]) > 30
    assert_same(whole, together(parts))


@given(st.lists(st.integers(0, 50), min_size=2, max_size=4, unique=True))
@settings(deadline=None, max_examples=10)
def test_a_row_does_not_feel_its_neighbours(seeds):
    beds = [ward_bed(seed, first_hop=7 * i) for i, seed in enumerate(seeds)]
    rows = np.arange(len(beds)) * 2 + 1
    shared = Rhythm(10).step(stack(beds, rows))
    for i, bed in enumerate(beds):
        alone = Rhythm(1).step(bed)
        mine = shared.beats.row == rows[i]
        assert shared.beats.sample[mine].tolist() == alone.beats.sample.tolist()
        for name in PER_HOP:
            np.testing.assert_array_equal(getattr(shared, name)[i], getattr(alone, name)[0])


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("at", [1, 37, 108, 150, 203, 222])
def test_a_saved_row_goes_on_elsewhere_once_the_last_seconds_have_been_stepped_through(at, seed):
    block = ward_bed(seed)
    first, second = Rhythm(1), Rhythm()
    before = first.step(cut(block, 0, at))
    second.grow(1)
    warming = cut(block, max(0, at - 10), at)
    warming.new_segment[:] = True
    second.step(warming)
    second.restore(0, first.save(0))
    for name in ROW.names:
        np.testing.assert_array_equal(second._state[name], first._state[name], err_msg=name)
    after = second.step(cut(block, at, 300))
    assert_same(together([Rhythm(1).step(block)]), together([before, after]))


def test_a_new_segment_forgets_everything():
    rhythm = Rhythm(1)
    rhythm.step(ward_bed(1))
    again, alone = rhythm.step(ward_bed(2)), Rhythm(1).step(ward_bed(2))
    assert_same(together([again]), together([alone]))


def test_reset_and_grow_leave_other_rows_alone():
    rhythm = Rhythm(2)
    beds = [ward_bed(4), ward_bed(5)]
    rhythm.limits["bradycardia_bpm"][0] = 30.0
    rhythm.step(cut(stack(beds, [0, 1]), 0, 100))
    rhythm.reset(np.array([0]))
    rhythm.grow(3)
    assert rhythm.limits["bradycardia_bpm"].tolist() == [50.0] * 3
    rest = rhythm.step(stack([cut(beds[1], 100, 300)], [1]))
    whole = Rhythm(1).step(beds[1])
    np.testing.assert_array_equal(rest.evidence[0], whole.evidence[0, 100:])
