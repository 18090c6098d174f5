"""Many beds in one batch: cuts, neighbours, gaps and resets change nothing they should not."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgstream.diagnosis import Model
from ecgstream.diagnosis.diagnosis import Diagnosis
from ecgstream.errors import ModelError
from ecgstream.waveform import Reason

N_HOPS = 60


def run(model, make_block, rows, cuts=(), n_rows=300, **kw):
    """Scores, reasons and beat probabilities of ``rows`` over N_HOPS hops, cut at ``cuts``."""
    diagnosis = Diagnosis(model, n_rows)
    edges = [0, *sorted(cuts), N_HOPS]
    steps = [
        diagnosis.step(make_block(rows, start, stop - start, new=start == 0, **kw))
        for start, stop in zip(edges, edges[1:], strict=False)
    ]
    values = np.concatenate([scores.values for scores, _ in steps], 1)
    reason = np.concatenate([scores.reason for scores, _ in steps], 1)
    return values, reason, np.concatenate([beats.probs for _, beats in steps], 1)


def assert_same(left, right):
    for one, other in zip(left, right, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4, rtol=0)


@settings(max_examples=10, deadline=None)
@given(cuts=st.sets(st.integers(1, N_HOPS - 1), max_size=8))
def test_any_cut_gives_the_same_scores(model, make_block, cuts):
    assert_same(run(model, make_block, [2, 5], cuts), run(model, make_block, [2, 5]))


@pytest.mark.parametrize("n_beds", [1, 3, 20, 200])
def test_neighbours_do_not_matter(model, make_block, n_beds):
    together = run(model, make_block, np.arange(n_beds))
    alone = run(model, make_block, [n_beds - 1])
    assert_same([part[-1:] for part in together], alone)


def test_scores_are_withheld_until_the_memory_is_full(model, make_block):
    values, reason, probs = run(model, make_block, [0])
    first = model.manifest.settling_hops - 1
    assert (reason[0, :first] == Reason.SETTLING).all() and np.isnan(values[0, :first]).all()
    assert (reason[0, first:] == Reason.OK).all() and np.isfinite(values[0, first:]).all()
    first_beat = 5 * (model.manifest.beat_settling_hops - 1)
    assert np.isnan(probs[0, :first_beat]).all() and np.isfinite(probs[0, first_beat:]).all()


def test_hops_without_signal_are_withheld_and_memory_fills_again(model, make_block):
    diagnosis = Diagnosis(model, 1)
    diagnosis.step(make_block([0], 0, 60, new=True))
    scores, beats = diagnosis.step(make_block([0], 60, 11, valid=False))
    assert (scores.reason == Reason.MISSING).all() and np.isnan(scores.values).all() and np.isnan(beats.probs).all()
    scores, _ = diagnosis.step(make_block([0], 71, 60))
    assert scores.reason[0, 0] == Reason.SETTLING
    assert (scores.reason[0, 50:] == Reason.OK).all()


def test_a_new_segment_forgets(model, make_block):
    diagnosis = Diagnosis(model, 1)
    diagnosis.step(make_block([0], 0, 60, seed=9, new=True))
    again, _ = diagnosis.step(make_block([0], 0, N_HOPS, new=True))
    np.testing.assert_allclose(again.values, run(model, make_block, [0])[0], atol=1e-4)


def test_saved_rows_go_on_where_they_were(model, make_block):
    diagnosis = Diagnosis(model, 2)
    diagnosis.step(make_block([0, 1], 0, 50, new=True))
    saved = diagnosis.save(np.array([1]))
    wanted, _ = diagnosis.step(make_block([1], 50, 10))
    other = Diagnosis(model, 0)
    other.grow(4)
    other.restore(np.array([1]), saved)
    scores, _ = other.step(make_block([1], 50, 10))
    np.testing.assert_allclose(scores.values, wanted.values, atol=1e-4)


def test_the_state_of_another_model_is_refused(model):
    diagnosis = Diagnosis(model, 1)
    saved = {"state": np.zeros((1, 3), np.float32), "usable": np.zeros((1, 50), bool)}
    with pytest.raises(ModelError, match="another model"):
        diagnosis.restore(np.array([0]), saved)


def test_an_encoder_that_gives_nan_is_an_error(model, make_block):
    def broken(samples, state):
        scores, state = model.encoder(samples, state)
        return scores * torch.nan, state

    with pytest.raises(ModelError, match="not numbers"):
        Diagnosis(Model(broken, model.manifest, model.device), 1).step(make_block([0], 0, 1, new=True))


def test_an_encoder_that_fails_is_an_error(model, make_block):
    def broken(samples, state):
        raise RuntimeError("device lost")

    with pytest.raises(ModelError, match="device lost"):
        Diagnosis(Model(broken, model.manifest, model.device), 1).step(make_block([0], 0, 1, new=True))


def test_warm_up_leaves_the_rows_alone(model, make_block):
    diagnosis = Diagnosis(model, 1)
    diagnosis.step(make_block([0], 0, 30, new=True))
    before = diagnosis.save(np.array([0]))
    diagnosis.warm_up()
    np.testing.assert_array_equal(diagnosis.save(np.array([0]))["state"], before["state"])
