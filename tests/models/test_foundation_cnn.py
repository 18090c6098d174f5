"""The convolutional trunk: shapes, and what a lead that is not there may change."""

import pytest
import torch

from ecgstream.models.trunk import build_trunk


@pytest.mark.parametrize("seconds", [2.5, 5, 10])
def test_any_length_gives_an_embedding_and_tokens(seconds: float):
    trunk = build_trunk("foundation_cnn", {}).eval()
    embedding, tokens = trunk(torch.randn(2, 8, round(250 * seconds)), torch.ones(2, 8, dtype=torch.bool))
    assert embedding.shape == (2, trunk.width)
    assert tokens.shape[0] == 2 and tokens.shape[1] >= 4 * seconds


def test_what_lies_in_an_absent_lead_changes_nothing():
    trunk = build_trunk("foundation_cnn", {}).eval()
    present = torch.ones(1, 8, dtype=torch.bool)
    present[0, 3] = False
    mv = torch.randn(1, 8, 1250)
    other = mv.clone()
    other[0, 3] = 100
    assert torch.equal(trunk(mv, present)[0], trunk(other, present)[0])
