"""Heads are loaded as they were saved, or refused in a sentence; folds keep patients together."""

import json

import numpy as np
import pytest
from structlog.testing import capture_logs

from ecgstream.errors import ModelError
from ecgstream.heads import load_head
from ecgstream.heads.fitting import FOLDS, fit, fold_of, out_of_fold
from ecgstream.heads.head import save_head
from ecgstream.heads.shipped import if_usable

NAMES = ("wide", "early")


def _fitted(n_classes: int, n: int = 400):
    rng = np.random.default_rng(2)
    features = rng.normal(size=(n, 2))
    label = np.clip(np.rint(features[:, 0] + 1), 0, n_classes - 1)
    return features, label, fit(features, label, NAMES, n_classes, {"num_leaves": 7}, rounds=30)


def _saved(folder, n_classes: int = 3):
    features, label, trees = _fitted(n_classes)
    classes = tuple("NSV"[:n_classes])
    save_head(trees, folder, name="beats", features=NAMES, classes=classes, thresholds={}, seen={"mitdb": ["100"]})
    return features, label, trees


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_saved_head_says_what_was_fitted(tmp_path, n_classes):
    features, label, trees = _saved(tmp_path, n_classes)
    head = load_head("beats", tmp_path)
    found = head.probability(features)
    assert found.shape == (len(features), n_classes)
    np.testing.assert_allclose(found.sum(1), 1)
    raw = trees.predict(features)
    np.testing.assert_allclose(found[:, 1], raw if n_classes == 2 else raw[:, 1])
    assert (found.argmax(1) == label).mean() > 0.95
    assert head.manifest.seen == {"mitdb": ["100"]} and head.version.startswith("beats@")


def test_nothing_to_judge_is_no_fault(tmp_path):
    _saved(tmp_path)
    assert load_head("beats", tmp_path).probability(np.empty((0, 2))).shape == (0, 3)


def test_unknown_features_are_allowed(tmp_path):
    _saved(tmp_path)
    assert np.isfinite(load_head("beats", tmp_path).probability(np.full((1, 2), np.nan))).all()


def test_altered_trees_are_refused(tmp_path):
    _saved(tmp_path)
    path = tmp_path / "trees.txt"
    path.write_text(path.read_text() + "\n")
    with pytest.raises(ModelError, match="copy the whole directory again"):
        load_head("beats", tmp_path)


def test_a_missing_head_is_named(tmp_path):
    with pytest.raises(ModelError, match="cannot be read"):
        load_head("beats", tmp_path / "nowhere")


@pytest.mark.parametrize("text", ["[]", "{", json.dumps({"format": "another"})])
def test_a_strange_manifest_is_refused(tmp_path, text):
    _saved(tmp_path)
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(ModelError, match="fit the head again"):
        load_head("beats", tmp_path)


def test_the_same_input_gives_the_same_trees():
    assert _fitted(3)[2].model_to_string() == _fitted(3)[2].model_to_string()


def test_one_patient_lies_in_one_fold():
    assert fold_of("mitdb", "201") == fold_of("mitdb", "202")
    assert {fold_of("cinc2017", f"A{number:05d}") for number in range(100)} == set(range(FOLDS))


def test_every_row_is_judged_by_what_has_not_seen_it():
    fold = np.arange(50) % FOLDS
    seen_by = {}

    def fit_on(train):
        def judge(rows):
            seen_by[tuple(np.flatnonzero(rows))] = set(np.flatnonzero(train))
            return np.full((rows.sum(), 2), 0.5)

        return judge

    assert np.isfinite(out_of_fold(fold, fit_on, 2)).all()
    assert sorted(row for tested in seen_by for row in tested) == list(range(50))
    assert all(not set(tested) & train for tested, train in seen_by.items())


def test_a_head_that_cannot_be_used_is_told_and_left_out(tmp_path):
    _saved(tmp_path)
    assert if_usable(lambda: load_head("beats", tmp_path), "beats go on") is not None
    with capture_logs() as logs:
        assert if_usable(lambda: load_head("beats", tmp_path / "nowhere"), "beats go on") is None
    (entry,) = logs
    assert (entry["event"], entry["log_level"]) == ("beats go on", "error") and "nowhere" in entry["fault"]
