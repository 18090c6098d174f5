"""The model's figures, from predictions whose figures are known."""

from collections.abc import Iterable

import numpy as np
import pytest

from ecgstream.diagnosis import Manifest
from ecgstream.evaluation import model_scores
from ecgstream.training import labels
from ecgstream.training.examples import Example
from ecgstream.training.predict import Prediction

HOPS = 100


def example(targets: np.ndarray) -> Example:
    empty = np.zeros((1, HOPS * 25), np.float16)
    return Example("made", "1", np.array([1]), empty, empty == 0, 0.03, targets)


@pytest.fixture
def manifest() -> Manifest:
    thresholds = {"rhythm.af": 0.5, "rhythm.vt": 0.5, "rhythm.vf": 0.5, "noise": 0.5}
    return Manifest("made", "made", "0" * 64, 1, 1, labels.SCORES, 0.4, 40, 10, thresholds, "records.json")


def told(scores: Iterable[np.ndarray]) -> list[Prediction]:
    return [Prediction(each, np.empty((0, 6))) for each in scores]


def test_superclass_auc_counts_the_last_hop():
    examples, scores = [], []
    for k in range(20):
        target = np.zeros(labels.N_SCORES, np.float32)
        target[[0, 1, 5]] = k % 2
        said = np.zeros((HOPS, labels.N_SCORES), np.float32)
        said[-1, [0, 5]], said[-1, 1], said[:-1, 1] = k % 2, 1 - k % 2, k % 2
        examples.append(example(target))
        scores.append(said)
    result = model_scores.score_diagnoses(examples, told(scores))
    assert result["superclass_auc"] == {"NORM": 1.0, "MI": 0.0}
    assert result["superclass_macro_auc"] == 0.5 and result["records"] == 20
    assert result["statement_auc"] == {"SR": 1.0}


def test_af_leaves_unlabelled_records_and_the_settling_time_out(manifest: Manifest):
    targets = np.full((3, labels.N_SCORES), np.nan, np.float32)
    targets[0, labels.AF], targets[1, labels.AF] = 1, 0
    said = np.zeros((3, HOPS, labels.N_SCORES), np.float32)
    said[0, 39:, labels.AF] = 0.8
    said[1, :39, labels.AF] = 1.0
    result = model_scores.score_af(manifest, [example(t) for t in targets], told(said))
    assert (result["cases"], result["positive"]) == (2, 1)
    assert (result["auc"], result["se"], result["sp"], result["f1"]) == (1.0, 100.0, 100.0, 1.0)


def test_ventricular_segments(manifest: Manifest):
    target = np.zeros((HOPS + 25, labels.N_SCORES), np.float32)  # segments of 25 hops: settling,
    target[30, labels.VT] = 1  # neither,
    target[50:75, labels.VF] = 1  # VF,
    target[75:100, labels.VT] = 1  # VT,
    target[100:] = np.nan  # unlabelled
    said = np.zeros(target.shape, np.float32)
    said[25:50, labels.VT], said[50:75, labels.VT], said[75:100, labels.VT] = 0.6, 0.9, 0.4
    said[50:75, labels.VF], said[75:100, labels.VF] = 0.5, 0.9
    result = model_scores.score_ventricular(manifest, [example(target)], told([said]))
    one_of_two = {"cases": 2, "positive": 1, "threshold": 0}
    assert result["rhythm.vf"] | {"threshold": 0} == one_of_two | {"auc": 1.0, "se": 100.0, "sp": 100.0, "f1": 1.0}
    assert result["rhythm.vt"] | {"threshold": 0} == one_of_two | {"auc": 0.0, "se": 0.0, "sp": 0.0, "f1": 0.0}
