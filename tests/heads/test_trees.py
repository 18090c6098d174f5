"""Trees say, digit for digit, what LightGBM says of them."""

import subprocess
import sys

import lightgbm
import numpy as np
import pytest

from ecgstream.errors import ModelError
from ecgstream.heads.fitting import fit
from ecgstream.heads.head import SHIPPED
from ecgstream.heads.trees import Trees

HEADS = sorted(folder.name for folder in SHIPPED.iterdir())


@pytest.mark.parametrize("name", HEADS)
def test_shipped_trees_say_what_lightgbm_says(name):
    text = (SHIPPED / name / "trees.txt").read_text()
    theirs = lightgbm.Booster(model_str=text)
    features = np.random.default_rng(3).normal(size=(200, theirs.num_feature()))
    features[::7, ::3], features[1::7, ::5], features[2::7, ::5] = np.nan, 0, np.inf
    for rows in (features, features[:1], features[:65], features[::2].astype(np.float32)):
        np.testing.assert_array_equal(Trees(text).predict(rows), theirs.predict(rows, num_threads=1))


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("unknown", [0.0, 0.3])
def test_trees_just_fitted_say_what_lightgbm_says(n_classes, unknown):
    rng = np.random.default_rng(n_classes)
    features, label = rng.normal(size=(400, 3)).round(1), rng.integers(0, n_classes, 400)
    features[rng.random(features.shape) < unknown] = np.nan
    options = {"num_leaves": 40, "min_data_in_leaf": 2}
    theirs = fit(features, label, ("a", "b", "c"), n_classes, options, 20)
    ours = Trees(theirs.model_to_string())
    asked = np.concatenate([features, np.full((1, 3), np.nan)])  # unknown also where nothing was when it was fitted
    np.testing.assert_array_equal(ours.predict(asked), theirs.predict(asked, num_threads=1))


def test_a_tree_without_a_node_adds_its_one_leaf():
    theirs = fit(np.zeros((50, 1)), np.arange(50) % 2, ("a",), 2, {}, 3)
    asked = np.zeros((2, 1))
    np.testing.assert_array_equal(Trees(theirs.model_to_string()).predict(asked), theirs.predict(asked))


def test_another_number_of_features_is_refused():
    trees = Trees((SHIPPED / HEADS[0] / "trees.txt").read_text())
    with pytest.raises(ModelError, match="136 features; there are 2"):
        trees.predict(np.zeros((1, 2)))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("num_class=", "classes="),
        ("objective=multiclass", "objective=regression"),
        ("num_leaves=7", "num_leaves=65"),
        ("num_cat=0", "num_cat=1"),
        ("is_linear=0", "is_linear=1"),
        ("decision_type=10", "decision_type=6"),
        ("threshold=", "thresholds="),
    ],
)
def test_what_it_does_not_read_is_refused(old, new):
    text = (SHIPPED / "beats" / "trees.txt").read_text()
    with pytest.raises(ModelError, match=r"no trees in LightGBM's text form.*Fit the head again"):
        Trees(text.replace(old, new))


def test_what_are_no_trees_is_refused():
    with pytest.raises(ModelError, match="no trees in LightGBM's text form"):
        Trees("no trees")


def test_a_daemon_imports_nothing_that_only_fitting_needs():
    code = "import sys, ecgstream.cli, ecgstream.daemon; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"lightgbm", "pandas", "pyarrow", "sklearn", "matplotlib", "wfdb"} & set(done.stdout.split())
