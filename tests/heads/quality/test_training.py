"""Labels, folds and scores of record quality."""

import numpy as np
import pytest

from ecgstream.errors import RecordError
from ecgstream.heads.fitting import fold_of
from ecgstream.heads.quality.scores import score
from ecgstream.heads.quality.training import DATA_SET, Examples, cross_validated, read_labels


def headers(folder, comments: dict[str, str]) -> None:
    for name, comment in comments.items():
        (folder / f"{name}.hea").write_text(f"{name} 1 250 2500\n{comment}\n")


def test_labels_come_from_the_table_where_there_is_one_and_name_only_records_that_are_there(tmp_path):
    headers(tmp_path, {"a": "# quality: acceptable", "b": "# quality: acceptable", "c": ""})
    (tmp_path / "QUALITY.csv").write_text("record,quality\na,unacceptable\nb,indeterminate\nz,acceptable\n")
    assert read_labels(tmp_path) == {"a": "unacceptable"}


def test_labels_come_from_header_comments_otherwise(tmp_path):
    headers(tmp_path, {"a": "# quality: acceptable", "b": "# quality: unacceptable", "c": "# age: 7"})
    assert read_labels(tmp_path) == {"a": "acceptable", "b": "unacceptable"}
    with pytest.raises(RecordError, match="has neither for any of its 0 records"):
        read_labels(tmp_path.parent / "nothing")


def test_score_by_hand():
    """Unacceptable: .9 .6 .3; acceptable: .6 .2 .1. Of nine pairs 7 are in order and one is a tie."""
    was = np.array([True, True, True, False, False, False])
    found = score(list("abcdef"), was, np.array([0.9, 0.6, 0.3, 0.6, 0.2, 0.1]), 0.5)
    assert found["auc"] == pytest.approx(7.5 / 9)
    assert found["accuracy"] == pytest.approx(4 / 6) and found["n"] == 6
    assert found["confusion"] == {
        "said_acceptable": {"acceptable": 2, "unacceptable": 1},
        "said_unacceptable": {"acceptable": 1, "unacceptable": 2},
    }
    assert found["records"][2] == {"record": "c", "was": "unacceptable", "unacceptable": 0.3}
    assert score(["a"], np.array([True]), np.array([0.9]), 0.5)["auc"] is None


def test_no_record_is_judged_by_what_was_fitted_on_it():
    """A feature that tells every record from every other, and nothing else: folds cannot learn from it."""
    rng = np.random.default_rng(0)
    records = [f"r{k}" for k in range(120)]
    fold = np.array([fold_of(DATA_SET, name) for name in records])
    label = rng.random(120) < 0.5
    telling = np.where(label, 1.0, -1.0) + rng.normal(0, 0.1, 120)
    told_only_in_fold_0 = np.where(fold == 0, telling, 0.0)
    noise = rng.normal(0, 1, (120, 19))
    names = tuple(f"f{k}" for k in range(20))
    blind = cross_validated(Examples(records, names, np.column_stack([told_only_in_fold_0, noise]), label))
    seeing = cross_validated(Examples(records, names, np.column_stack([telling, noise]), label))
    assert score(records, label, seeing, 0.5)["auc"] > 0.9
    held_out = [name for name, number in zip(records, fold, strict=True) if number == 0]
    assert score(held_out, label[fold == 0], blind[fold == 0], 0.5)["auc"] < 0.8
