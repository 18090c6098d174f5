"""Trees say through LightGBM's C interface, digit for digit, what its Python package says."""

import subprocess
import sys

import lightgbm
import numpy as np
import pytest

from ecgstream.errors import ModelError
from ecgstream.heads.head import SHIPPED
from ecgstream.heads.trees import Trees

HEADS = sorted(folder.name for folder in SHIPPED.iterdir())


@pytest.mark.parametrize("name", HEADS)
def test_shipped_trees_say_what_the_python_package_says(name):
    text = (SHIPPED / name / "trees.txt").read_text()
    theirs = lightgbm.Booster(model_str=text)
    features = np.random.default_rng(3).normal(size=(200, theirs.num_feature()))
    features[::7, ::3] = np.nan
    np.testing.assert_array_equal(Trees(text).predict(features), theirs.predict(features, num_threads=1))
    every_other = features[::2].astype(np.float32)  # neither contiguous nor of the width the library reads
    np.testing.assert_array_equal(Trees(text).predict(every_other), theirs.predict(every_other, num_threads=1))


def test_another_number_of_features_is_refused():
    trees = Trees((SHIPPED / HEADS[0] / "trees.txt").read_text())
    with pytest.raises(ModelError, match="number of features"):
        trees.predict(np.zeros((1, 2)))


def test_what_are_no_trees_is_refused():
    with pytest.raises(ModelError, match="LightGBM"):
        Trees("no trees")


def test_a_daemon_imports_nothing_that_only_fitting_needs():
    code = "import sys, ecgstream.cli, ecgstream.daemon; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"lightgbm", "pandas", "pyarrow", "sklearn", "matplotlib", "wfdb"} & set(done.stdout.split())
