"""The head of verdicts: the challenge's score by hand, thresholds and folds that never see what they judge."""

import numpy as np
import pytest

from ecgstream.heads import load_head
from ecgstream.verdicts import KINDS, fitting
from ecgstream.verdicts.fitting import Examples, challenge_score, cross_validate, fit_head
from ecgstream.verdicts.judge import THRESHOLD, feature_names


@pytest.fixture(autouse=True)
def few_rounds(monkeypatch):
    monkeypatch.setattr(fitting, "ROUNDS", 50)


def examples(n: int = 200, known: bool = True) -> Examples:
    rng = np.random.default_rng(5)
    features = rng.normal(size=(n, len(feature_names())))
    features[:, : len(KINDS)] = np.eye(len(KINDS))[np.arange(n) % len(KINDS)]
    label = (features[:, 10] + 0.5 * rng.normal(size=n) > 0.3).astype(int) if known else rng.integers(0, 2, n)
    return Examples(features, label, np.arange(n) % 5, tuple(f"r{number:03}" for number in range(n)))


@pytest.mark.parametrize(
    ("is_true", "called", "score"),
    [
        ([1, 1, 0, 0], [1, 1, 0, 0], 100.0),
        ([1, 1, 0, 0], [1, 1, 1, 1], 50.0),
        ([1, 0, 0, 0], [0, 0, 0, 0], 100 * 3 / 8),  # one miss weighs as five
        ([], [], 0.0),
    ],
)
def test_the_score_by_hand(is_true, called, score):
    assert challenge_score(np.array(is_true, bool), np.array(called, bool)) == pytest.approx(score)


def test_what_can_be_learnt_is_learnt_out_of_fold():
    made = examples()
    told, threshold = cross_validate(made)
    assert challenge_score(made.label == 1, told >= threshold) > 55
    assert told[made.label == 1].mean() > told[made.label == 0].mean() + 0.1


def test_what_cannot_be_learnt_is_not():
    made = examples(known=False)
    told, _ = cross_validate(made)
    assert abs(np.corrcoef(told, made.label)[0, 1]) < 0.25


def test_a_fold_has_no_say_in_its_own_judgement():
    made, turned = examples(), examples()
    turned.label[made.fold == 2] = 1 - turned.label[made.fold == 2]
    for one, other in zip(cross_validate(made), cross_validate(turned), strict=True):
        np.testing.assert_array_equal(one[made.fold == 2], other[made.fold == 2])


def test_the_head_is_saved_with_what_it_has_seen(tmp_path):
    made = examples()
    fit_head(made, tmp_path)
    head = load_head("verdicts", tmp_path)
    assert head.manifest.features == feature_names() and head.manifest.seen == {"cinc2015": list(made.record)}
    assert 0 < head.manifest.thresholds[THRESHOLD] < 1
    assert head.probability(made.features).shape == (200, 2)
