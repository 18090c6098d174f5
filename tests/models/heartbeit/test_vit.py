"""What the network sees, and what it must not see."""

import numpy as np
import pytest
import torch

from ecgstream.errors import ModelError
from ecgstream.models.heartbeit.patches import PIXELS_HIGH, PIXELS_WIDE, image_patches, signal_patches
from ecgstream.models.trunk import build_trunk

SMALL = {"dim": 16, "depth": 1, "heads": 2}


def picture(mv: np.ndarray) -> np.ndarray:
    """The first 200 ms of one lead: (PIXELS_HIGH, PIXELS_WIDE)."""
    line = torch.from_numpy(mv.astype(np.float32))[None, None]
    return image_patches(line)[0, 0, 0].numpy().reshape(PIXELS_HIGH, PIXELS_WIDE)


def test_a_level_line_inks_the_pixels_at_its_height():
    drawn = picture(np.full(50, 0.0625))  # in the middle of the row above the centre
    assert (drawn[PIXELS_HIGH // 2 - 1] == 1).all() and drawn.sum() == PIXELS_WIDE
    between = picture(np.zeros(50))
    assert np.allclose(between[[15, 16]], 0.5) and between.sum() == PIXELS_WIDE


def test_a_step_is_drawn_as_a_whole_line_and_what_is_too_high_lies_on_the_edge():
    drawn = picture(np.where(np.arange(50) < 25, 0.0625, 50.0))
    assert (drawn[:16, 4] == 1).all() and not drawn[16:, 4].any()  # the samples of column 4, and the next one
    assert drawn[0, 5:].all() and drawn[1:, 5:].sum() == 0


def test_signal_patches_are_the_samples():
    mv = torch.arange(2 * 8 * 120.0).reshape(2, 8, 120) / 1000
    assert torch.equal(signal_patches(mv)[1, 3, 1], mv[1, 3, 50:100])


@pytest.mark.parametrize("form", ["signal", "image"])
def test_a_lead_that_is_not_present_changes_nothing_and_gradients_reach_the_others(form: str):
    torch.manual_seed(0)
    trunk = build_trunk("heartbeit", SMALL | {"form": form}).eval()
    mv, present = torch.randn(2, 8, 1260), torch.ones(2, 8, dtype=torch.bool)
    present[:, 5:] = False
    other = mv.clone()
    other[:, 5:] = 7.0
    embedding, tokens = trunk(mv.requires_grad_(), present)
    again, _ = trunk(other, present)
    assert tokens.shape == (2, 8 * 25, 16) and embedding.shape == (2, 32)
    assert torch.allclose(embedding, again, atol=1e-6)
    embedding.square().sum().backward()
    assert mv.grad[:, :5].abs().sum() > 0 and not mv.grad[:, 5:].any()


def test_a_record_without_leads_says_nothing_and_those_beside_it_what_they_say_alone():
    torch.manual_seed(0)
    trunk = build_trunk("heartbeit", SMALL).eval()
    mv, present = torch.randn(3, 8, 500), torch.zeros(3, 8, dtype=torch.bool)
    present[0], present[1, 2] = True, True
    embedding, tokens = trunk(mv, present)
    assert not embedding[2].any() and not tokens[2].any()
    for row in (0, 1):
        assert torch.allclose(embedding[row], trunk(mv[row : row + 1], present[row : row + 1])[0][0], atol=1e-6)


@pytest.mark.parametrize("form", ["signal", "image"])
def test_what_is_hidden_is_not_seen(form: str):
    torch.manual_seed(0)
    trunk = build_trunk("heartbeit", SMALL | {"form": form}).eval()
    mv, present = torch.randn(1, 8, 500), torch.ones(1, 8, dtype=torch.bool)
    hidden = torch.zeros(1, 8, 10, dtype=torch.bool)
    hidden[0, 2, 4:6] = True
    other = mv.clone()
    other[0, 2, 205:295] = 3.0
    assert torch.allclose(trunk.tokens(mv, present, hidden), trunk.tokens(other, present, hidden), atol=1e-6)
    assert not torch.allclose(trunk.tokens(mv, present), trunk.tokens(other, present), atol=1e-3)


def test_other_forms_are_refused():
    with pytest.raises(ModelError, match="signal, image"):
        build_trunk("heartbeit", SMALL | {"form": "colour"})
