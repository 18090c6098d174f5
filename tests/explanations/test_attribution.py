"""Contributions where they can be worked out by hand, and add up where they cannot."""

import sys

import numpy as np
import pytest
import torch

from ecgstream.errors import ModelError
from ecgstream.explanations.attribution import METHODS, OCCLUDED, OCCLUDED_STEP, attribute, method_for, stated
from ecgstream.explanations.probe import EncoderProbe
from ecgstream.waveform import HOP_SAMPLES

from .probes import LinearProbe, two_leads, window


def test_gradients_of_a_linear_score_are_weight_times_sample():
    mv, weights = two_leads(), np.random.default_rng(1).normal(size=(2, 500))
    found = attribute(LinearProbe(weights), window(mv), 0, "gradients", steps=2)
    assert np.allclose(found, weights * mv, atol=1e-6)


def test_occlusion_is_the_mean_loss_over_the_windows_that_cover_a_sample():
    mv, weights = two_leads(), np.zeros((2, 500))
    weights[1, 100] = 2.0  # one sample counts
    found = attribute(LinearProbe(weights), window(mv), 0, "occlusion")
    loss = 2.0 * mv[1, 100]
    covered = slice(100 // OCCLUDED_STEP * OCCLUDED_STEP, 100 // OCCLUDED_STEP * OCCLUDED_STEP + OCCLUDED_STEP)
    assert np.allclose(found[1, covered], loss / OCCLUDED, atol=1e-5)
    assert not found[0].any() and not found[1, : covered.start - OCCLUDED].any() and not found[1, 160:].any()


def test_contributions_of_the_shipped_encoder_add_up_to_what_the_signal_changes():
    beats = 0.1 * np.random.default_rng(2).normal(size=(2, 20 * HOP_SAMPLES))
    beats[:, ::200] = 1.5
    shown, probe = window(beats), EncoderProbe()
    found, nothing = stated(probe, shown)
    index = probe.names.index("rhythm.vf")
    added = attribute(probe, shown, index, "gradients")
    assert added.sum() == pytest.approx(found[index] - nothing[index], abs=0.05)
    assert np.abs(added).sum() > 0.5


def test_a_score_without_gradient_is_refused_and_goes_by_occlusion():
    class Counting(LinearProbe):
        def logits(self, slots, mv, valid):
            return (mv > 0.5).float().sum((1, 2))[:, None]

    probe, shown = Counting(np.ones((2, 500))), window(two_leads())
    with pytest.raises(ModelError, match="by occlusion"):
        attribute(probe, shown, 0, "gradients")
    assert attribute(probe, shown, 0, "occlusion").max() > 0
    assert (
        method_for(probe, shown, 0) == "occlusion"
        and method_for(LinearProbe(np.ones((2, 500))), shown, 0) == "gradients"
    )


def test_occlusion_covers_only_what_the_model_looks_at():
    class Narrow(LinearProbe):
        seen = 0

        def logits(self, slots, mv, valid):
            self.seen += len(mv)
            return super().logits(slots, mv, valid)

    weights = np.zeros((2, 500))
    weights[1, 400] = 2.0
    whole, narrow, shown = LinearProbe(weights), Narrow(weights), window(two_leads())
    narrow.looks_at = lambda slots, n_samples: (torch.tensor([1]), 12 * OCCLUDED_STEP)
    found, expected = (attribute(probe, shown, 0, "occlusion") for probe in (narrow, whole))
    assert narrow.seen < 20 and found.any()
    assert np.allclose(found, expected, atol=1e-6)


def test_without_captum_the_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "captum", None)
    with pytest.raises(ModelError, match=r"ecgstream\[explain\]"):
        attribute(LinearProbe(np.ones((2, 500))), window(two_leads()), 0, METHODS[0])
