"""A beat's class is read at its own token, whenever the beat and the token become known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgstream.diagnosis import BeatClasses, BeatProbs
from ecgstream.diagnosis.beats import UNKNOWN
from ecgstream.waveform import Beats

DELAY_S = 0.4
N_HOPS = 40
BEAT_SAMPLES = np.array([300, 520, 777, 1003, 1500])
BEAT_LABELS = np.array([0, 2, 1, 0, 4])


def token_of(sample: int) -> int:
    return int((sample + 5.0 + DELAY_S * 250) // 10)


@pytest.fixture(scope="module")
def probs():
    """One row's tokens: no beat, but for three tokens around each beat, where its class stands at 0.9 or 0.6."""
    tokens = np.tile(np.array([0.01, 0.01, 0.01, 0.01, 0.01, 0.95], np.float32), (N_HOPS * 5, 1))
    for sample, label in zip(BEAT_SAMPLES, BEAT_LABELS, strict=True):
        tokens[token_of(sample) - 1 : token_of(sample) + 2, :5] = 0.02
        tokens[token_of(sample) - 1 : token_of(sample) + 2, label] = 0.9
    return tokens


def beats_of(samples, row=1) -> Beats:
    samples = np.asarray(samples, np.int64)
    return Beats(np.full(len(samples), row), samples, np.zeros(len(samples), bool), samples // 50)


def run(make_block, probs, cuts, known_at) -> dict[int, int]:
    """Class by beat; beat k becomes known in hop ``known_at[k]``."""
    classes, found = BeatClasses(2), {}
    edges = [0, *sorted(cuts), N_HOPS]
    for start, stop in zip(edges, edges[1:], strict=False):
        block = make_block([1], start, stop - start, new=start == 0)
        new = [s for s, hop in zip(BEAT_SAMPLES, known_at, strict=True) if start <= hop < stop]
        out = classes.step(beats_of(new), block, BeatProbs(probs[None, 5 * start : 5 * stop], DELAY_S))
        found |= dict(zip(out.sample.tolist(), out.label.tolist(), strict=True))
    return found


@settings(max_examples=40, deadline=None)
@given(
    cuts=st.sets(st.integers(1, N_HOPS - 1), max_size=10),
    late=st.lists(st.integers(0, 8), min_size=5, max_size=5),
)
def test_each_beat_gets_the_class_of_its_own_token(make_block, probs, cuts, late):
    known_at = [min(sample // 50 + hops, N_HOPS - 1) for sample, hops in zip(BEAT_SAMPLES, late, strict=True)]
    wanted = dict(zip(BEAT_SAMPLES.tolist(), BEAT_LABELS.tolist(), strict=True))
    assert run(make_block, probs, cuts, known_at) == wanted


def test_a_beat_waits_for_its_tokens(make_block, probs):
    classes = BeatClasses(2)
    first = classes.step(beats_of([300]), make_block([1], 0, 8, new=True), BeatProbs(probs[None, :40], DELAY_S))
    assert len(first.sample) == 0
    then = classes.step(beats_of([]), make_block([1], 8, 2), BeatProbs(probs[None, 40:50], DELAY_S))
    assert then.sample.tolist() == [300] and then.row.tolist() == [1]


def test_a_withheld_opinion_is_no_class(make_block, probs):
    out = BeatClasses(2).step(
        beats_of([300]), make_block([1], 0, N_HOPS, new=True), BeatProbs(np.full_like(probs, np.nan)[None], DELAY_S)
    )
    assert out.label.tolist() == [UNKNOWN]


def test_a_row_that_is_reset_forgets_its_beats(make_block, probs):
    classes = BeatClasses(1)
    classes.grow(2)
    classes.step(beats_of([300]), make_block([1], 0, 8, new=True), BeatProbs(probs[None, :40], DELAY_S))
    classes.reset(np.array([1]))
    out = classes.step(beats_of([]), make_block([1], 8, 32), BeatProbs(probs[None, 40:], DELAY_S))
    assert len(out.sample) == 0
