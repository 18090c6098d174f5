"""What samples become in the arena, and how it wraps, grows and is used again."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from ecgstream.intake.arena import KEPT_S, Arena
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
    """Ten seconds in all."""
    return Arena(10.0 - KEPT_S).ring(layout(n_leads=n_leads))


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
    assert np.array_equal(one.read(4500, 7000), samples[:, 4500:])
    outside = one.read(4400, 7100)
    assert (outside[:, :100] == CODE_MISSING).all() and (outside[:, -100:] == CODE_MISSING).all()
    assert (one.read(-50, 50) == CODE_MISSING).all()
    assert one.read(60, 50).shape == (2, 0)


def test_lead_off_and_gaps_across_the_wrap():
    one = ring()
    one.write(group(signal(2400)))
    one.write(group(signal(200), lead_off=(SampleRange(50, 150, 0),)))
    one.skip_to(2700)
    got = one.read(2400, 2700)
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
