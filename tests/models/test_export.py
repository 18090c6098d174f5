"""The same weights, scripted anew: the same scores under a new version."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from ecgstream.diagnosis.loader import load_model
from ecgstream.diagnosis.model import SHIPPED
from ecgstream.models.encoder import Encoder, EncoderShape
from ecgstream.models.export import script_anew
from ecgstream.models.streaming import StreamingEncoder


def test_a_directory_scripted_anew_says_what_it_said(tmp_path: Path):
    folder = tmp_path / "model"
    shutil.copytree(SHIPPED, folder)
    before, stated = load_model(folder, "cpu"), json.loads((folder / "manifest.json").read_text())
    script_anew(folder)
    after = load_model(folder, "cpu")
    differing = {
        name for name, value in json.loads((folder / "manifest.json").read_text()).items() if value != stated[name]
    }
    assert differing <= {"sha256"} and after.version in (folder / "card.md").read_text()
    samples = torch.randn(3, 32, 125)
    samples[:, 16:] = 1.0
    states = [torch.zeros(3, before.manifest.n_state) for _ in range(2)]
    with torch.no_grad():
        scores = [model.encoder(samples, state)[0] for model, state in zip((before, after), states, strict=True)]
    torch.testing.assert_close(scores[0], scores[1], atol=1e-5, rtol=0)
    torch.testing.assert_close(states[0], states[1], atol=1e-4, rtol=2e-5)


@pytest.mark.parametrize("rows", [1, 9])
@pytest.mark.parametrize("hops", [1, 5])
def test_leads_that_nobody_has_change_nothing(rows: int, hops: int):
    """Among beds with more leads or alone, or with no lead at all."""
    torch.manual_seed(0)
    streaming = StreamingEncoder(Encoder(EncoderShape(4)).eval(), torch.ones(4), torch.zeros(4), torch.zeros(5)).eval()
    streaming.prepare()
    samples = torch.randn(rows + 2, 32, 25 * hops)
    samples[:, 16:] = 1.0
    samples[:rows, 18:] = 0.0  # these have two leads
    samples[rows, 16:] = 0.0  # this has none
    with torch.no_grad():
        together = streaming(samples, torch.zeros(rows + 2, streaming.n_state))[0]
        alone = streaming(samples[:rows], torch.zeros(rows, streaming.n_state))[0]
        silent = streaming(samples[rows : rows + 1], torch.zeros(1, streaming.n_state))[0]
    torch.testing.assert_close(together[:rows], alone, atol=1e-5, rtol=0)
    torch.testing.assert_close(together[rows : rows + 1], silent, atol=1e-5, rtol=0)
