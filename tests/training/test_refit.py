"""The refitted beat head: trained on what it sees, and on nothing else of the encoder."""

import copy

import torch

from ecgstream.models.encoder import Encoder
from ecgstream.training import labels, refit

from ..untrained import small_shape


def test_only_the_class_rows_of_the_beat_head_change(sources, monkeypatch):
    monkeypatch.setattr(refit, "BATCHES", 4)
    torch.manual_seed(0)
    encoder = Encoder(small_shape(labels.N_SCORES)).eval()
    before = copy.deepcopy(encoder.state_dict())
    refit.refit_beats(encoder, sources, seed=0)
    after = encoder.state_dict()
    assert {name for name in before if not torch.equal(before[name], after[name])} == {
        "beat_head.weight",
        "beat_head.bias",
    }
    fitted = [0, 1]  # the made-up records have normal beats, and premature ones made of them
    assert not torch.isclose(before["beat_head.weight"][fitted], after["beat_head.weight"][fitted]).all()
    assert torch.equal(before["beat_head.weight"][2:], after["beat_head.weight"][2:])
