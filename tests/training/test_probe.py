"""The linear probe: what a frozen trunk tells."""

import numpy as np
import torch

from ecgstream.evaluation.label_scores import label_aucs
from ecgstream.labelled import LabelledRecords
from ecgstream.models.trunk import build_trunk
from ecgstream.training.probe import embeddings, probe


def test_labels_that_lie_on_a_line_are_found_and_noise_is_not():
    rng = np.random.default_rng(0)
    told = rng.normal(size=(400, 6)).astype(np.float32)
    truth = np.stack((told[:, 2] > 0, rng.random(400) < 0.5), axis=1).astype(np.float32)
    aucs = label_aucs(truth[200:], probe(told[:200], truth[:200], told[200:]))
    assert aucs[0] > 0.95 and 0.35 < aucs[1] < 0.65


def test_embeddings_are_those_of_the_trunk_and_leave_it_as_it_was():
    torch.manual_seed(0)
    trunk = build_trunk("ecg_jepa", {"dim": 16, "depth": 1, "heads": 2, "drop": 0.5})
    rng, names = np.random.default_rng(0), np.array([str(k) for k in range(3)])
    nothing, present = np.full(3, np.nan, np.float32), np.ones((3, 8), bool)
    mv = rng.normal(0, 0.3, (3, 8, 2500)).astype(np.float16)
    records = LabelledRecords("made", names, names, mv, present, np.full(3, 2500), (frozenset(),) * 3, nothing, nothing)
    before = {name: value.clone() for name, value in trunk.state_dict().items()}
    told = embeddings(trunk, records)
    with torch.inference_mode():
        expected = trunk(torch.from_numpy(mv.astype(np.float32)), torch.from_numpy(present))[0]
    np.testing.assert_allclose(told, expected.numpy(), atol=1e-6)
    assert all(torch.equal(before[name], value) for name, value in trunk.state_dict().items())
