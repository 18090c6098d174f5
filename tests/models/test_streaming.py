"""The encoder's promises: streaming equals offline, beds do not mix, the past alone counts, absent leads are absent."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

N_HOPS = 150


@pytest.fixture(scope="module")
def whole(streaming, samples):
    with torch.no_grad():
        return streaming(samples, torch.zeros(2, streaming.n_state))


@settings(max_examples=25, deadline=None)
@given(cuts=st.sets(st.integers(1, N_HOPS - 1), max_size=12))
def test_any_cut_gives_what_the_whole_gives(streaming, samples, whole, cuts):
    edges = [0, *sorted(cuts), N_HOPS]
    state, out = torch.zeros(2, streaming.n_state), []
    with torch.no_grad():
        for start, stop in zip(edges, edges[1:], strict=False):
            scores, state = streaming(samples[:, :, 25 * start : 25 * stop], state)
            out.append(scores)
    torch.testing.assert_close(torch.cat(out, 1), whole[0], atol=1e-4, rtol=0)
    torch.testing.assert_close(state, whole[1], atol=1e-3, rtol=1e-3)


def test_hop_by_hop_gives_what_the_whole_gives(streaming, samples, whole):
    state, out = torch.zeros(2, streaming.n_state), []
    with torch.no_grad():
        for hop in range(N_HOPS):
            scores, state = streaming(samples[:, :, 25 * hop : 25 * hop + 25], state)
            out.append(scores)
    torch.testing.assert_close(torch.cat(out, 1), whole[0], atol=1e-4, rtol=0)


def test_the_future_does_not_count(streaming, samples, whole):
    altered = samples.clone()
    altered[:, :16, 25 * 80 :] += 1.0
    with torch.no_grad():
        scores, _ = streaming(altered, torch.zeros(2, streaming.n_state))
    torch.testing.assert_close(scores[:, :80], whole[0][:, :80])
    assert (scores[:, 80] - whole[0][:, 80]).abs().max() > 1e-3


def test_a_bed_does_not_depend_on_its_neighbours(streaming, samples, whole):
    with torch.no_grad():
        alone, _ = streaming(samples[1:], torch.zeros(1, streaming.n_state))
    torch.testing.assert_close(alone[0], whole[0][1], atol=1e-4, rtol=0)


def test_what_stands_in_leads_that_are_not_valid_does_not_count(streaming, samples):
    loud, muted = samples.clone(), samples.clone()
    loud[:, 3:16], muted[:, 3:16] = 5.0, 0.0
    loud[:, 19:], muted[:, 19:] = 0.0, 0.0
    with torch.no_grad():
        left, _ = streaming(loud, torch.zeros(2, streaming.n_state))
        right, _ = streaming(muted, torch.zeros(2, streaming.n_state))
    torch.testing.assert_close(left, right)


def test_scores_and_beats_are_probabilities(whole):
    out = whole[0]
    beats = out[:, :, -30:].unflatten(2, (5, 6))
    assert out.min() >= 0 and out.max() <= 1
    torch.testing.assert_close(beats.sum(3), torch.ones_like(beats[..., 0]))
