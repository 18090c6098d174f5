"""A trunk taught by statements and by beats."""

import numpy as np
import torch

from ecgstream.training.broad import BroadPupil, broad_losses
from ecgstream.training.own_beats import OwnBeats


def _own() -> OwnBeats:
    rng = np.random.default_rng(0)
    beat = np.where(rng.random((3, 53, 1)) < 0.2, rng.standard_normal((3, 53, 5)), np.nan).astype(np.float32)
    there = (~np.isnan(beat[..., 0])).astype(np.float32)
    return OwnBeats(there, beat, rng.standard_normal((3, 5)).astype(np.float32))


def test_withheld_statements_teach_nothing_and_beats_do():
    pupil = BroadPupil(2, 2)
    told = pupil(torch.randn(3, 8, 2500), torch.ones(3, 8, dtype=torch.bool))
    rows = np.arange(3)
    unknown = broad_losses(told, torch.full((3, 2), torch.nan), _own(), rows)
    assert unknown["labels"] == 0 and min(unknown["record"], unknown["there"], unknown["beat"]) > 0
    sum(unknown.values()).backward()
    assert not pupil.labels.weight.grad.any() and pupil.trunk.stem[0].weight.grad.any()
    assert broad_losses(told, torch.zeros(3, 2), _own(), rows)["labels"] > 0
