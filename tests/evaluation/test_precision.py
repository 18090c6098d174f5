"""What another precision changes, and what of it the manifest states."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from ecgstream.diagnosis.loader import load_model, load_untried
from ecgstream.diagnosis.model import SHIPPED
from ecgstream.errors import ModelError
from ecgstream.evaluation.precision import precision_table, score_differences, state_in_manifest
from ecgstream.training import labels
from ecgstream.training.examples import Example
from ecgstream.training.predict import predict


def noise(seed: int, seconds: int) -> Example:
    rng = np.random.default_rng(seed)
    mv = rng.standard_normal((2, seconds * 125)).astype(np.float16)
    return Example("made", str(seed), np.array([1, 6]), mv, np.ones(mv.shape, bool), 0.03, np.zeros(labels.N_SCORES))


def test_differences_are_of_settled_scores_and_the_greatest_is_stated(tmp_path: Path):
    folder = Path(shutil.copytree(SHIPPED, tmp_path / "model"))
    full, lowered = load_model(folder, "cpu"), load_untried(folder, "cpu", "bf16")
    examples = [noise(1, 10), noise(2, 12)]
    settled, told = full.manifest.settling_hops, (predict(full, examples), predict(lowered, examples))
    found = score_differences(*told, settled)
    apart = [np.abs(one.scores - other.scores)[settled:] for one, other in zip(*told, strict=True)]
    assert found["scores"] == sum(each.size for each in apart) == (10 + 20) * len(full.manifest.names)
    assert found["greatest"] == pytest.approx(max(each.max() for each in apart), abs=1e-5) and found["greatest"] > 0
    assert found["share_at_most"]["0.5"] <= found["share_at_most"]["0.999"] <= found["greatest"] + 1e-5

    figures = [["VT", "the same", "AUC 0.97"]]
    whole = {"model": full.version, "precision": "bf16", **found, "fp32": figures, "bf16": figures}
    assert precision_table(whole).row_count == 2
    state_in_manifest(folder, {**whole, "greatest": 0.5})
    assert json.loads((folder / "manifest.json").read_text())["differences"] == {"bf16": 0.5}
    with pytest.raises(ModelError, match="changed by 0.5"):
        load_model(folder, "cpu", "bf16")
