"""The rhythm head speaks every five seconds, holds between, states fibrillation with hysteresis, and moves."""

from types import SimpleNamespace

import numpy as np
import pytest

from ecgstream.cutting import cut
from ecgstream.diagnosis.strips import NAMES, StripRhythms
from ecgstream.rhythm import Rhythm
from ecgstream.strips.kernel import EVERY_HOPS
from ecgstream.strips.state import RING_HOPS
from ecgstream.waveform import HOP_SAMPLES, Reason

from ..rhythm.signals import beat_train, conditioned, noise, spoil

HOPS = 450
FIRST = -(-RING_HOPS // EVERY_HOPS) * EVERY_HOPS - 1
"""The hop in which the first full strip is due."""


class Told:
    """A head that says these probabilities of fibrillation one after another."""

    def __init__(self, *af: float):
        self.manifest = SimpleNamespace(thresholds={"A": 0.6})
        self.left = list(af)

    def probability(self, features: np.ndarray) -> np.ndarray:
        af = np.array([self.left.pop(0) for _ in features])
        return np.stack([1 - af, af, 0 * af, 0 * af], 1)


def bed():
    signal = beat_train(np.arange(0.5, 89, 0.8), 90)
    return conditioned({"II": signal + noise(len(signal), 1)})


def said(head, cuts=(), block=None):
    block = bed() if block is None else block
    room, rhythm, edges = StripRhythms(head, 1), Rhythm(1), [0, *cuts, HOPS]
    parts = [cut(block, a, b) for a, b in zip(edges, edges[1:], strict=False)]
    scores = [room.step(part, rhythm.step(part).beats) for part in parts]
    return {
        name: np.concatenate([getattr(one, name)[0] for one in scores]) for name in ("values", "fibrillates", "onset")
    }


def test_nothing_is_said_before_the_first_full_strip_and_each_opinion_holds():
    found = said(Told(*np.linspace(0.1, 0.2, 12)))
    assert np.isnan(found["values"][:FIRST]).all() and np.isfinite(found["values"][FIRST:]).all()
    changes = np.flatnonzero(np.diff(found["values"][FIRST:, NAMES.index("strip.af")])) + 1
    assert (changes % EVERY_HOPS == 0).all() and len(changes) == (HOPS - 1 - FIRST) // EVERY_HOPS


def test_fibrillation_begins_at_the_threshold_and_ends_at_half_of_it():
    found = said(Told(0.5, 0.7, 0.4, 0.2, 0.5, *[0.5] * 7))
    told = found["fibrillates"][FIRST::EVERY_HOPS]
    assert told.tolist() == [False, True, True, False, False, *[False] * 7]
    began = (FIRST + EVERY_HOPS + 1 - RING_HOPS) * HOP_SAMPLES
    assert set(found["onset"][found["fibrillates"]]) == {began}
    assert set(found["onset"][~found["fibrillates"]]) == {-1}


@pytest.mark.parametrize("cuts", [(1, 2, 3, 174, 175, 176), tuple(range(10, HOPS, 10)), (FIRST, FIRST + 1)])
def test_cutting_the_hops_differently_changes_nothing(cuts):
    opinions = (0.5, 0.7, 0.4, 0.2, *[0.65] * 8)
    whole, parts = said(Told(*opinions)), said(Told(*opinions), cuts)
    for name in whole:
        np.testing.assert_array_equal(whole[name], parts[name])


def test_a_strip_that_cannot_be_measured_withholds_the_scores_and_changes_no_opinion():
    block = bed()
    spoil(block, 200, 330, Reason.MISSING)
    found = said(Told(*[0.7] * 12), block=block)
    assert np.isnan(found["values"][300:330]).all() and found["fibrillates"][FIRST:].all()


def test_a_saved_row_goes_on_elsewhere():
    block, rhythm, at = bed(), Rhythm(1), FIRST + 30
    opinions = (0.7, 0.5, 0.2, 0.5, *[0.9] * 8)
    first, second = StripRhythms(Told(*opinions), 1), StripRhythms(Told(*opinions[2:]), 3)
    before = cut(block, 0, at)
    first.step(before, rhythm.step(before).beats)
    second.restore(0, first.save(0))
    after = cut(block, at, HOPS)
    found, whole = second.step(after, rhythm.step(after).beats), said(Told(*opinions))
    np.testing.assert_array_equal(found.values[0], whole["values"][at:])
    np.testing.assert_array_equal(found.onset[0], whole["onset"][at:])


def test_what_is_left_out_begins_anew_and_fibrillation_stands_until_a_strip_tells():
    block, rhythm, gone, back = bed(), Rhythm(1), FIRST + 10, FIRST + 60
    room, fresh = StripRhythms(Told(0.7, *[0.1] * 9), 1), StripRhythms(Told(*[0.1] * 9), 1)
    before, without, after = cut(block, 0, gone), cut(block, gone, back), cut(block, back, HOPS)
    assert room.step(before, rhythm.step(before).beats).fibrillates[0, -1]
    rhythm.step(without)
    held = room.leave_out(without)
    assert np.isnan(held.values).all() and held.fibrillates.all() and (held.onset >= 0).all()
    beats = rhythm.step(after).beats
    anew, expected = room.step(after, beats), fresh.step(after, beats)
    np.testing.assert_array_equal(anew.values, expected.values)
    first = int(np.isfinite(expected.values[0, :, 0]).argmax())
    assert first >= RING_HOPS - 1
    assert anew.fibrillates[0, :first].all() and not anew.fibrillates[0, first:].any()
