"""What samples become in the arena, and how it wraps, grows and is used again."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from ecgstream.intake.arena import Arena
from ecgstream.intake.rate import Rate
from ecgstream.waveform import (
    CODE_LEAD_OFF,
    CODE_LIMIT,
    CODE_MISSING,
    Channel,
    ChannelGroup,
    GroupKind,
    Layout,
    SampleRange,
)

from .monitor import RATES, layout, signal


def ring(n_leads: int = 2):
    """Ten seconds, and what is kept beside them until it is packed: 2,768 samples in all."""
    return Arena(10.0).ring(layout(n_leads=n_leads))


def group(samples: np.ndarray, of: Layout | None = None, lead_off: tuple[SampleRange, ...] = ()) -> ChannelGroup:
    return ChannelGroup(of or layout(n_leads=len(samples)), samples, lead_off)


def test_samples_that_look_like_codes_are_clamped_and_invalid_ones_are_missing():
    invalid_values = (-32768, 32767, 99999)
    channels = tuple(Channel(0, "", "mV", 1.0, 0, value) for value in invalid_values)
    of = Layout(GroupKind.ECG, Fraction(250), channels, (0, 1, 6))
    one = Arena(10.0).ring(of)
    raw = np.array([[-32768, -32767, -32766, 32767]] * 3, np.int16)
    one.write(group(raw, of))
    limit = CODE_LIMIT
    assert one.read(0, 4).tolist() == [
        [CODE_MISSING, limit, limit, 32767],
        [limit, limit, limit, CODE_MISSING],
        [limit, limit, limit, 32767],
    ]


def test_read_only_samples_are_copied_and_left_alone():
    raw = np.frombuffer(signal(250).tobytes(), np.int16).reshape(2, 250)
    one = ring()
    one.write(group(raw))
    assert np.array_equal(one.read(0, 250), raw) and np.array_equal(raw, signal(250))


def test_lead_off_covers_its_channel_or_all():
    raw = signal(10)
    one = ring()
    one.write(group(raw))
    one.write(group(raw, lead_off=(SampleRange(2, 4, 1), SampleRange(8, 10))))
    expected = raw.copy()
    expected[1, 2:4] = expected[:, 8:10] = CODE_LEAD_OFF
    assert np.array_equal(one.read(10, 20), expected)


def test_a_ring_holds_the_last_samples_and_says_missing_outside_them():
    samples, one = signal(7000), ring()
    for a in range(0, 7000, 700):
        one.write(group(samples[:, a : a + 700]))
    held = 7000 - one.slab.capacity
    assert np.array_equal(one.read(held, 7000), samples[:, held:])
    outside = one.read(held - 100, 7100)
    assert (outside[:, :100] == CODE_MISSING).all() and (outside[:, -100:] == CODE_MISSING).all()
    assert (one.read(-50, 50) == CODE_MISSING).all()
    assert one.read(60, 50).shape == (2, 0)


def test_lead_off_and_gaps_across_the_wrap():
    one = ring()
    one.write(group(signal(2650)))
    one.write(group(signal(200), lead_off=(SampleRange(50, 150, 0),)))
    one.skip_to(2950)
    got = one.read(2650, 2950)
    assert (got[0, 50:150] == CODE_LEAD_OFF).all() and (got[:, 200:] == CODE_MISSING).all()
    assert np.array_equal(got[1, :200], signal(200)[1])


def test_growing_keeps_what_lies_in_the_slab_and_rows_are_used_again():
    arena, samples, rings = Arena(10.0), [signal(100, seed=k) for k in range(20)], []
    for raw in samples:
        rings.append(arena.ring(layout()))
        rings[-1].write(group(raw))
    for one, raw in zip(rings, samples, strict=True):
        assert np.array_equal(one.read(0, 100), raw)
    assert len({one.slot for one in rings}) == 20
    rings[7].release()
    fresh = arena.ring(layout())
    assert fresh.slot == rings[7].slot
    assert (fresh.read(0, 100) == CODE_MISSING).all(), "nothing of the former owner can be read"


@pytest.mark.parametrize("fs", RATES)
def test_what_is_packed_is_read_as_it_was_written_for_26_s(fs):
    samples, one = signal(int(90 * fs), 3), Arena(4.0).ring(layout(fs, 3))
    chunk, slots = int(fs), np.array([one.slot])
    for a in range(0, samples.shape[1] - chunk, chunk):
        one.write(group(samples[:, a : a + chunk], one.layout))
        one.slab.hand_out(slots, np.array([a]), chunk)
        first = max(0, one.stop - int(26 * fs))
        assert np.array_equal(one.read(first, one.stop), samples[:, first : one.stop])
    assert one.slab.packed[one.slot] > one.stop - one.slab.unit
    middle = one.stop - int(13.3 * fs)
    assert np.array_equal(one.read(middle, middle + 7), samples[:, middle : middle + 7])
    assert (one.read(0, one.stop - int(40 * fs)) == CODE_MISSING).all()


def test_a_ring_given_back_leaves_nothing_packed_to_the_next():
    arena = Arena(4.0)
    one = arena.ring(layout())
    one.write(group(signal(1000)))
    one.slab.hand_out(np.array([one.slot]), np.array([0]), 999)
    assert one.slab.packed[one.slot] == 750
    one.release()
    fresh = arena.ring(layout())
    assert fresh.slot == one.slot
    assert (fresh.read(0, 1000) == CODE_MISSING).all()


@pytest.mark.parametrize("stop", [0, 10, 700, 5_000])
def test_a_ring_that_begins_late_has_room_and_says_missing_before(stop):
    one = ring()
    one.begin_at(stop)
    assert (one.read(0, stop) == CODE_MISSING).all() and one.stop == stop
    packed = int(one.slab.packed[one.slot])
    assert one.slab.room(one.slot) > one.slab.most_samples, "room for the longest piece"
    assert packed <= stop


def test_channel_groups_beside_the_ecg_are_held_for_26_s_unpacked():
    beside = layout(Fraction(125), 1, GroupKind.PLETH)
    one, samples = Arena(4.0).ring(beside), signal(60 * 125, 1)
    for a in range(0, 60 * 125, 125):
        one.write(group(samples[:, a : a + 125], beside))
    assert np.array_equal(one.read(31 * 125, 60 * 125), samples[:, 31 * 125 :])


@pytest.mark.parametrize("fs", [*RATES, Fraction(2000), Fraction(1000, 3)])
def test_hops_and_samples_agree_with_the_definition(fs):
    """Hop h ends with native sample floor((50 (h + 1) - 1) fs / 250); complete as soon as that one is there."""
    rate = Rate(fs)
    for hop in range(200):
        last = (50 * (hop + 1) - 1) * fs // 250
        assert rate.native_stop(hop + 1) == last + 1
        assert rate.grid_stop(last) // 50 <= hop < rate.grid_stop(last + 1) // 50
    counts = np.arange(0, 5000, 7)
    assert rate.grid_stop(counts).tolist() == [rate.grid_stop(int(n)) for n in counts]
    assert [rate.nearest_hop(round(k * fs / 5)) for k in range(50)] == list(range(50))
