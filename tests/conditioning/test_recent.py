"""The newest samples of every row, however the signal came."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ecgstream.conditioning.recent import RECENT, Recent, look_back
from ecgstream.cutting import cut
from ecgstream.waveform import HOP_SAMPLES, LEAD_SLOT

from ..rhythm.signals import conditioned, noise, stack

HOPS = 40
V1 = LEAD_SLOT["V1"]
WARD = stack([conditioned({"V1": noise(HOPS * HOP_SAMPLES, seed)}) for seed in range(3)], (1, 4, 5))


def before(recent: Recent, row: int, stop: int, n: int = RECENT) -> np.ndarray:
    found = np.empty(n, np.float32)
    look_back(recent.ecg_mv[row, V1], stop, found)
    return found


@given(st.sets(st.integers(1, HOPS - 1)))
def test_what_came_before_is_there_in_its_order(cuts: set[int]):
    recent, edges = Recent(6), [0, *sorted(cuts), HOPS]
    for start, stop in zip(edges, edges[1:], strict=False):
        block = cut(WARD, start, stop)
        recent.begin(block)
        recent.keep(block)
        known = min(stop * HOP_SAMPLES, RECENT)
        for place, row in enumerate(WARD.rows.tolist()):
            expected = WARD.ecg_mv[place, V1, : stop * HOP_SAMPLES][-known:]
            np.testing.assert_array_equal(before(recent, row, stop * HOP_SAMPLES, known), expected)


def test_a_segment_that_begins_and_a_row_that_is_forgotten_have_nothing_before_them():
    recent = Recent()
    recent.grow(6)
    recent.keep(WARD)
    recent.reset(np.array([4]))
    assert before(recent, 1, 0).any() and before(recent, 5, 0).any() and not before(recent, 4, 0).any()
    recent.begin(WARD)
    assert not recent.ecg_mv.any()
