"""MiniRocket's features: shares of time above thresholds, by hand, and what they are worth to a linear head."""

import numpy as np
import pytest
import torch

from ecgstream.models.rocket import LENGTH, N_KERNELS, PLACES, Rocket
from ecgstream.models.trunk import Classifier
from ecgstream.training.foundation import fit_rocket_head

SMALL = 84 * 8


@pytest.fixture(scope="module")
def mv() -> torch.Tensor:
    """Twenty recordings of noise, every other one with spikes in V3."""
    rng = np.random.default_rng(0)
    made = rng.normal(0, 0.1, (20, 8, 2500)).astype(np.float32)
    made[::2, 4, ::150] += 2
    return torch.from_numpy(made)


@pytest.fixture(scope="module")
def rocket(mv: torch.Tensor) -> Rocket:
    made = Rocket(features=SMALL)
    made.fit_thresholds(mv)
    return made


def test_every_kernel_has_three_twos_sums_to_nothing_and_sees_some_lead():
    kernels = Rocket(features=SMALL).kernels
    assert kernels.shape[1:] == (N_KERNELS, 8, LENGTH) and len(PLACES) == 84
    seen = kernels.abs().sum(3) > 0
    assert seen.any(dim=2).all()
    assert torch.equal(kernels.sum(3), torch.zeros_like(kernels[..., 0]))
    assert ((kernels == 2).sum(3)[seen] == 3).all()


def test_a_share_is_how_much_of_the_time_a_kernel_lies_above_its_threshold(mv: torch.Tensor, rocket: Rocket):
    number, kernel = 2, 10
    weights, step = rocket.kernels[number, kernel].numpy(), rocket.dilations[number]
    samples = mv[3].numpy().reshape(8, 1250, 2).mean(2)
    padded = np.pad(samples, ((0, 0), (4 * step, 4 * step)))
    given = sum(weights[:, place] @ padded[:, place * step : place * step + 1250] for place in range(LENGTH))
    first = sum(rocket.counts[:number])
    threshold = float(rocket.thresholds[kernel, first])
    per_kernel = rocket.width // N_KERNELS
    assert float(rocket.shares(mv[3:4])[0, kernel * per_kernel + first]) == pytest.approx(
        (given > threshold).mean(), abs=2 / 1250
    )


def test_shares_spread_over_all_there_is(mv: torch.Tensor, rocket: Rocket):
    shares = rocket.shares(mv)
    assert shares.min() >= 0 and shares.max() <= 1
    assert 0.3 < float(shares.mean()) < 0.7


def test_a_head_on_shares_finds_what_can_be_found_and_stays_in_the_weights(mv: torch.Tensor, rocket: Rocket):
    wanted = (np.arange(20) % 2 == 0).astype(np.float32)[:, None]
    classifier = Classifier(rocket, 1)
    fit_rocket_head(classifier, rocket.shares(mv)[:10], wanted[:10])
    with torch.inference_mode():
        logits = classifier(mv[10:], torch.ones(10, 8, dtype=torch.bool))[:, 0]
    assert ((logits > 0).numpy() == (wanted[10:, 0] > 0)).all()
