"""What the benchmark of transfer runs, and how it judges: runs by whole seeds, measures by weight, both intervals."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from benchmarks.transfer import FOLDS, NEW, SEEDS, aucs, gain, keyed, precisions, runs


def test_every_seed_is_tested_on_every_fold_before_the_next_begins():
    planned = list(runs((40,), SEEDS, NEW))
    assert len({keyed(*run) for run in planned}) == len(planned) == len(NEW) * FOLDS * (2 * len(SEEDS) + 1)
    assert [run[4] for run in planned] == sorted(run[4] for run in planned)
    assert {run[4] for run in planned if run[2] == "frozen"} == {SEEDS[0]}


@pytest.mark.parametrize("ours, theirs", [(aucs, roc_auc_score), (precisions, average_precision_score)])
def test_a_patient_drawn_twice_counts_twice(ours, theirs):
    rng = np.random.default_rng(1)
    truth, scores = (rng.random(60) < 0.2).astype(float), rng.normal(size=(60, 2)).round(1)
    weight = rng.integers(0, 4, (3, 60))
    wanted = [[theirs(truth, score, sample_weight=each) for score in scores.T] for each in weight]
    np.testing.assert_allclose(ours(truth, scores, weight), wanted)


def test_without_a_positive_there_is_no_measure():
    truth, scores = np.array([1.0, 0, 0]), np.array([[0.3], [0.2], [0.1]])
    for of in (aucs, precisions):
        assert np.isnan(of(truth, scores, np.array([[0, 1, 1]]))).all()


def test_the_interval_over_patients_is_wide_where_they_differ_and_seeds_do_not():
    rng = np.random.default_rng(2)
    patients, seeds = rng.normal(0, 0.02, 1000), np.array([0.009, 0.010, 0.011, 0.010, 0.010])
    by_fold = np.tile(0.01 + np.r_[0, patients][:, None] + (seeds - 0.01), (FOLDS, 1, 1))
    told = gain(by_fold)
    assert told["mean"] == 0.01 and told["by fold"] == [0.01] * FOLDS
    assert 0.009 <= told["over seeds"][0] < 0.01 < told["over seeds"][1] <= 0.011
    low, high = told["over patients and seeds"]
    assert -0.033 < low < -0.025 and 0.045 < high < 0.053


def test_one_seed_has_no_interval_over_seeds_and_a_fold_without_a_positive_is_passed_over():
    by_fold = np.full((FOLDS, 101, 1), 0.02)
    by_fold[2, 50] = np.nan
    assert gain(by_fold) == {"mean": 0.02, "by fold": [0.02] * FOLDS, "over patients and seeds": [0.02, 0.02]}
