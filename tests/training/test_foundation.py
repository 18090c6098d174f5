"""The whole way from recordings to the ensemble, on made ones: every record is judged by what has not seen it."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ecgstream.evaluation.diagnosis import diagnosis_scores, judge
from ecgstream.evaluation.diagnosis_models import open_diagnosis_model
from ecgstream.labelled import LabelledRecords
from ecgstream.models import folder, rocket
from ecgstream.models.inventory import verified
from ecgstream.training import foundation


@pytest.fixture(scope="module")
def made() -> LabelledRecords:
    """A hundred records: NORM and SR, or MI in those with tall spikes in V2."""
    rng = np.random.default_rng(0)
    mv = rng.normal(0, 0.1, (100, 8, 2500)).astype(np.float16)
    mv[:, :, ::200] += 0.5
    ill = np.arange(100) % 3 == 0
    mv[ill, 3, ::200] += 1
    stated = tuple(frozenset({"IMI"} if each else {"NORM", "SR"}) for each in ill)
    names, unknown = np.array([f"{k:05d}" for k in range(100)]), np.full(100, np.nan, np.float32)
    return LabelledRecords(
        "ptbxl", names, names, mv, np.ones((100, 8), bool), np.full(100, 2500), stated, unknown, unknown
    )


def test_from_recordings_to_the_best_model(made: LabelledRecords, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(foundation, "CNN_SETTINGS", {"widths": [8, 16], "depth": 1})
    monkeypatch.setattr(foundation, "CNN_TEACHING", replace(foundation.CNN_TEACHING, batch=20, test_crops=2))
    monkeypatch.setattr(rocket.Rocket.__init__, "__defaults__", (84 * 4, 0))
    figures = foundation.train_foundation(made, tmp_path / "out", tmp_path / "cache", 4, 1, "cpu")
    assert figures["superclass"]["macro_auc"] > 0.9

    monkeypatch.setattr(folder, "SHIPPED", tmp_path / "out")
    best = open_diagnosis_model()
    assert len(best.members) == 6 and sum(member.weight for member in best.members) == pytest.approx(1)
    assert all(member.knows(made).sum() in (100, *(100 - np.bincount(made.fold))) for member in best.members)
    judged = judge(made, best)
    assert judged.seen == 100
    for k, member in enumerate(best.members[:5]):
        rows = made.fold == k
        asked = made.take(rows)
        logits = best.scale * member.logits(asked) + best.shift
        at = [best.labels.index(label) for label in judged.labels]
        assert judged.probability[rows] == pytest.approx(1 / (1 + np.exp(-logits[:, at])))
    assert diagnosis_scores(judged)["superclass"]["labels"] == 2
    assert verified("best").kind == "ensemble" and verified("rocket").kind == "network"
    sheet = json.loads((tmp_path / "out" / "best" / "card.json").read_text())
    assert sheet["metrics"]["superclass"]["macro_auc"] == figures["superclass"]["macro_auc"]
