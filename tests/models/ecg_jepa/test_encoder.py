"""The window form: lead subsets, lengths, and what may and may not change an embedding."""

import pytest
import torch

from ecgstream.errors import ModelError
from ecgstream.models.ecg_jepa.encoder import (
    LARGEST_MV,
    POSITION_GAIN,
    UNIT_MV,
    EcgJepa,
    normed,
    patches_of,
    waves,
)
from ecgstream.models.trunk import build_trunk

ALL = torch.ones(2, 8, dtype=torch.bool)


@pytest.fixture(params=["cropa", "full", "causal"])
def trunk(request) -> EcgJepa:
    torch.manual_seed(0)
    return build_trunk("ecg_jepa", {"dim": 16, "depth": 2, "heads": 2, "attention": request.param, "reach": 5}).eval()


def signal(seed: int = 0, samples: int = 1000) -> torch.Tensor:
    return torch.randn(2, 8, samples, generator=torch.Generator().manual_seed(seed))


def test_ten_seconds_of_eight_leads_are_400_tokens_of_50_samples():
    patches = patches_of(torch.arange(2500.0).expand(1, 8, 2500) / 1000)
    assert patches.shape == (1, 8, 50, 50)
    assert patches[0, 3, 7, 0] == pytest.approx(0.35 / UNIT_MV)


def test_tokens_tell_of_the_signal_more_than_of_their_place(trunk):
    """Else a student learns by predicting places: with positions at full height beside mV, 98 % are the place."""
    mv = 0.25 * torch.randn(32, 8, 1000, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        tokens = normed(trunk(mv, torch.ones(32, 8, dtype=torch.bool))[1])
    by_place = tokens.mean(0)
    same_everywhere = (by_place - by_place.mean(0)).square().mean() / (tokens - tokens.mean((0, 1))).square().mean()
    assert same_everywhere < 0.5


def test_an_embedding_for_any_length(trunk):
    for samples in (625, 1000, 2500):
        embedding, tokens = trunk(signal(samples=samples), ALL)
        assert embedding.shape == (2, trunk.width) and tokens.shape == (2, 8 * (samples // 50), 16)


def test_leads_that_are_absent_change_nothing(trunk):
    present = ALL.clone()
    present[0, 2:] = False
    mv, other = signal(), signal()
    other[0, 2:] = torch.nan
    for one, two in zip(trunk(mv, present), trunk(other, present), strict=True):
        assert torch.equal(one, two)


def test_a_recording_does_not_depend_on_the_leads_of_its_neighbours(trunk):
    present = ALL.clone()
    present[0, 2:] = False
    alone = trunk(signal()[:1], present[:1])[0]
    torch.testing.assert_close(trunk(signal(), present)[0][:1], alone, rtol=0, atol=1e-5)


def test_a_recording_without_any_lead_says_nothing(trunk):
    present = ALL.clone()
    present[0] = False
    for there in (present, torch.zeros_like(present)):
        embedding, tokens = trunk(signal(), there)
        assert not embedding[0].any() and not tokens[0].any()
        assert embedding.isfinite().all()


def test_amplitude_is_kept_and_artefact_is_bounded(trunk):
    mv = signal() / 4
    assert not torch.allclose(trunk(mv, ALL)[0], trunk(2 * mv, ALL)[0], atol=1e-3)
    assert torch.equal(trunk(mv * 1e6, ALL)[0], trunk(mv.sign() * LARGEST_MV, ALL)[0])


def test_leads_and_times_have_positions_of_their_own():
    torch.manual_seed(0)
    encoder = EcgJepa(dim=16, depth=1, heads=2).encoder
    positions = encoder.positions(torch.arange(8), torch.arange(50).expand(1, -1))[0]
    assert len(torch.unique(positions.flatten(0, 1), dim=0)) == 400
    expected = POSITION_GAIN * torch.cat((waves(torch.tensor(3.0), 8), waves(torch.tensor(7.0), 8)))
    torch.testing.assert_close(positions[3, 7], expected)


def test_settings_that_do_not_fit_are_refused_in_a_sentence():
    with pytest.raises(ModelError, match="multiple of 4 heads"):
        build_trunk("ecg_jepa", {"dim": 17})
    with pytest.raises(ModelError, match="attention must be one of"):
        build_trunk("ecg_jepa", {"attention": "none"})
