"""Cross-pattern attention over visible keys alone is the dense masked one, whichever way it is computed."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from ecgstream.models.ecg_jepa.cropa import by_blocks, cropa, visible


def dense(q: Tensor, k: Tensor, v: Tensor, present: Tensor) -> Tensor:
    flat = (each.flatten(2, 3) for each in (q, k, v))
    seen = scaled_dot_product_attention(*flat, attn_mask=visible(present, q.shape[3])).unflatten(2, q.shape[2:4])
    return torch.where(present[:, None, :, None, None], seen, 0.0)


def drawn(seed: int, shape: tuple[int, ...], spread: float = 1.0) -> list[Tensor]:
    """q, k, v and a gradient, laid out as a linear map of tokens leaves them: heads beside channels."""
    generator = torch.Generator().manual_seed(seed)
    batch, heads, leads, times, width = shape
    laid = torch.randn(4, batch, leads, times, heads, width, generator=generator) * spread
    return list(laid.permute(0, 1, 4, 2, 3, 5))


def with_gradients(attend, q: Tensor, k: Tensor, v: Tensor, present: Tensor, grad: Tensor) -> list[Tensor]:
    q, k, v = (each.detach().clone().requires_grad_() for each in (q, k, v))
    out = attend(q, k, v, present)
    return [out.detach(), *torch.autograd.grad(out, (q, k, v), grad)]


def largest_difference(one: list[Tensor], other: list[Tensor]) -> float:
    return max(float((a - b).abs().max()) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("attend", [cropa, by_blocks])
def test_eight_leads_of_fifty_patches_equal_the_dense_form_forward_and_backward(attend):
    q, k, v, grad = drawn(1, (3, 2, 8, 50, 32))
    present = torch.ones(3, 8, dtype=torch.bool)
    expected = with_gradients(dense, q, k, v, present, grad)
    assert largest_difference(with_gradients(attend, q, k, v, present, grad), expected) < 1e-5


@settings(deadline=None, max_examples=40)
@given(
    shape=st.tuples(*[st.integers(1, most) for most in (3, 3, 8, 70, 40)]),
    seed=st.integers(0, 2**31),
    data=st.data(),
)
def test_any_leads_times_and_widths_equal_the_dense_form(shape, seed, data):
    batch, leads = shape[0], shape[2]
    rows = data.draw(st.lists(st.integers(1, 2**leads - 1), min_size=batch, max_size=batch))
    present = torch.tensor([[bool(row >> lead & 1) for lead in range(leads)] for row in rows])
    q, k, v, grad = drawn(seed, shape)
    expected = with_gradients(dense, q, k, v, present, grad)
    assert largest_difference(with_gradients(cropa, q, k, v, present, grad), expected) < 1e-5


def test_a_token_sees_57_of_400_and_what_it_does_not_see_changes_nothing():
    present = torch.ones(1, 8, dtype=torch.bool)
    assert (visible(present, 50).sum(3) == 57).all()
    q, k, v, _ = drawn(2, (1, 1, 8, 50, 8))
    before = cropa(q, k, v, present)
    k[0, 0, 3, 20] += 5
    v[0, 0, 3, 20] += 5
    changed = (cropa(q, k, v, present) != before).any(4)[0, 0]
    expected = torch.zeros(8, 50, dtype=torch.bool)
    expected[3], expected[:, 20] = True, True
    assert torch.equal(changed, expected)


def test_an_absent_lead_is_not_attended_and_says_nothing():
    q, k, v, grad = drawn(3, (1, 2, 8, 20, 16))
    present = torch.tensor([[True, True, False, True, False, True, True, True]])
    before = with_gradients(cropa, q, k, v, present, grad)
    k[:, :, ~present[0]], v[:, :, ~present[0]] = torch.nan, torch.nan
    after = with_gradients(cropa, q, k, v, present, grad)
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    assert all(not each[:, :, ~present[0]].any() for each in after)


def test_scores_far_beyond_the_range_of_exponentials_do_not_overflow():
    q, k, v, grad = drawn(4, (1, 1, 8, 20, 16), spread=30.0)
    present = torch.ones(1, 8, dtype=torch.bool)
    found = with_gradients(cropa, q, k, v, present, grad / 30)
    assert all(each.isfinite().all() for each in found)
    torch.testing.assert_close(found[0], dense(q, k, v, present), rtol=1e-4, atol=1e-3)
