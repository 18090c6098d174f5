"""Macro AUC and F1 against scikit-learn, and what their intervals are made of."""

import numpy as np
import pytest
from sklearn.metrics import f1_score, roc_auc_score

from ecgstream.evaluation.label_scores import interval, label_aucs, label_f1, patient_draws


@pytest.fixture
def judged() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    truth = (rng.random((200, 3)) < [0.5, 0.2, 0.05]).astype(float)
    return truth, np.round(truth + rng.normal(0, 1, truth.shape), 1)  # rounded: many ties


def test_auc_is_scikit_learns_ties_and_weights_included(judged):
    truth, scores = judged
    weight = np.random.default_rng(4).integers(0, 4, (5, 200))
    assert label_aucs(truth, scores) == pytest.approx([roc_auc_score(truth[:, k], scores[:, k]) for k in range(3)])
    expected = [[roc_auc_score(truth[:, k], scores[:, k], sample_weight=w) for k in range(3)] for w in weight]
    assert label_aucs(truth, scores, weight) == pytest.approx(np.array(expected))


def test_what_is_not_known_counts_nowhere(judged):
    truth, scores = judged
    truth[:50, 0] = np.nan
    assert label_aucs(truth, scores)[0] == pytest.approx(roc_auc_score(truth[50:, 0], scores[50:, 0]))
    assert label_f1(truth, scores > 0.5)[0] == pytest.approx(f1_score(truth[50:, 0], scores[50:, 0] > 0.5))


def test_a_label_of_one_kind_has_no_auc():
    assert np.isnan(label_aucs(np.ones((4, 1)), np.arange(4.0)[:, None])).all()


def test_f1_is_scikit_learns(judged):
    truth, scores = judged
    weight = np.random.default_rng(4).integers(0, 4, (2, 200))
    expected = [[f1_score(truth[:, k], scores[:, k] > 0.5, sample_weight=w) for k in range(3)] for w in weight]
    assert label_f1(truth, scores > 0.5, weight) == pytest.approx(np.array(expected))


def test_a_patients_recordings_are_drawn_together():
    draws = patient_draws(np.array(["a", "b", "a", "c"]), draws=50)
    assert (draws[:, 0] == draws[:, 2]).all()
    assert (draws[:, [0, 1, 3]].sum(axis=1) == 3).all()


def test_the_interval_lies_about_the_value(judged):
    truth, scores = judged
    found = interval(lambda weight: label_aucs(truth, scores, weight), patient_draws(np.arange(200)))
    assert found.low < found.value < found.high
    assert found.high - found.low == pytest.approx(0.14, abs=0.08)
