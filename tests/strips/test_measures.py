"""Framing and neighbours do not matter, a saved row goes on elsewhere; and strips that must not be measured."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgstream.cutting import cut
from ecgstream.rhythm import Rhythm
from ecgstream.strips import FEATURES, MeasuredStrips, StripMeasures
from ecgstream.strips.kernel import EVERY_HOPS
from ecgstream.strips.state import RING_HOPS
from ecgstream.waveform import Conditioned, Reason

from ..rhythm.signals import beat_train, conditioned, noise, spoil, stack

HOPS = 225
"""45 s: strips are due up to five times."""


def bed(seed: int, first_hop: int = 0) -> Conditioned:
    random = np.random.default_rng(seed)
    times = np.cumsum(random.uniform(0.5, 1.1, 60))
    signal = beat_train(times[times < 44], 45, set(random.integers(0, 40, 4).tolist()))
    leads = {"II": signal + noise(len(signal), seed), "V1": -0.6 * signal + noise(len(signal), seed + 1)}
    return conditioned(leads, first_hop)


def measured(
    rooms: StripMeasures, rhythm: Rhythm, blocks: list[Conditioned]
) -> list[tuple[int, int, bool, np.ndarray]]:
    """(row, stream hop, measured, features) of every strip due in the blocks."""
    found = []
    for block in blocks:
        due = rooms.step(block, rhythm.step(block).beats)
        hops = block.first_hop[due.place] + due.hop
        found += zip(block.rows[due.place].tolist(), hops.tolist(), due.measured.tolist(), due.features, strict=True)
    return found


def alone(block: Conditioned) -> list[tuple[int, int, bool, np.ndarray]]:
    return measured(StripMeasures(1), Rhythm(1), [block])


def assert_same(some, others):
    assert [each[1:3] for each in some] == [each[1:3] for each in others]
    for one, other in zip(some, others, strict=True):
        if one[2]:
            np.testing.assert_array_equal(one[3], other[3])


@given(st.integers(0, 20), st.sets(st.integers(1, HOPS - 1), max_size=30))
@settings(deadline=None, max_examples=15)
def test_cutting_the_hops_differently_changes_nothing(seed, cuts):
    block, edges = bed(seed), [0, *sorted(cuts), HOPS]
    whole = alone(block)
    assert sum(each[2] for each in whole) == (HOPS - RING_HOPS) // EVERY_HOPS + 1
    parts = [cut(block, a, b) for a, b in zip(edges, edges[1:], strict=False)]
    assert_same(whole, measured(StripMeasures(1), Rhythm(1), parts))


def test_a_row_does_not_feel_its_neighbours():
    beds = [bed(seed, first_hop=7 * seed) for seed in range(3)]
    rows = np.arange(3) * 2 + 1
    shared = measured(StripMeasures(10), Rhythm(10), [stack(beds, rows)])
    for row, one in zip(rows, beds, strict=True):
        assert_same(alone(one), [each for each in shared if each[0] == row])


@pytest.mark.parametrize("at", [30, 170, 201])
def test_a_saved_row_goes_on_elsewhere(at):
    block, first, second, rhythm = bed(3), StripMeasures(1), StripMeasures(), Rhythm(1)
    measured(first, rhythm, [cut(block, 0, at)])
    second.grow(4)
    second.restore(0, first.save(0))
    assert_same([each for each in alone(block) if each[1] >= at], measured(second, rhythm, [cut(block, at, HOPS)]))


def test_a_state_of_another_form_is_refused():
    with pytest.raises(ValueError):
        StripMeasures(1).restore(0, b"too short")


def test_a_strip_with_too_much_unusable_is_not_measured():
    block = bed(1)
    spoil(block, 100, 160, Reason.MISSING)
    assert not any(each[2] for each in alone(block) if each[1] < 160 + 70)


def test_intervals_across_a_gap_are_not_known():
    even = conditioned({"II": beat_train(np.arange(0.5, 44, 0.8), 45)})
    spoil(even, 80, 90, Reason.MISSING)
    last = alone(even)[-1]
    assert last[2] and last[3][FEATURES.index("rr.most")] < 1.0


def test_after_five_bad_seconds_another_lead_is_followed_from_its_own_beginning():
    block = bed(2)
    block.reason[0, 1, 20:] = Reason.LEAD_OFF  # II, the preferred
    state = StripMeasures(1)
    measured(state, Rhythm(1), [block])
    assert state._state["lead"][0] == 6 and state._state["hops"][0] == min(HOPS - 44, RING_HOPS)


def test_a_new_segment_begins_anew():
    rooms, rhythm = StripMeasures(1), Rhythm(1)
    measured(rooms, rhythm, [bed(1)])
    again = measured(rooms, rhythm, [cut(bed(1), 0, 100)])
    assert again and not any(each[2] for each in again)
    assert isinstance(rooms.step(cut(bed(1), 0, 1), rhythm.step(cut(bed(1), 0, 1)).beats), MeasuredStrips)
