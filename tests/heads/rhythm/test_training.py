"""Strips are read, measured, scored and told from each other as the challenge has it."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import wfdb

from ecgstream.errors import RecordError
from ecgstream.evaluation.records import Record
from ecgstream.evaluation.rhythm import evaluate_rhythm
from ecgstream.heads.fitting import fit
from ecgstream.heads.head import save_head
from ecgstream.heads.rhythm.examples import CLASSES, read_examples, strip_features
from ecgstream.heads.rhythm.scores import score
from ecgstream.heads.rhythm.training import choose_threshold
from ecgstream.strips import FEATURES

from ...rhythm.signals import beat_train, noise

SECONDS = 12


def signal_mv(times_s) -> np.ndarray:
    """A strip at 300 Hz."""
    fine = beat_train(times_s, SECONDS) + noise(SECONDS * 250, 1)
    return np.interp(np.arange(SECONDS * 300) / 300, np.arange(len(fine)) / 250, fine)


def strip(times_s) -> Record:
    adu = np.round(1000 * signal_mv(times_s)).astype(np.int16)[None]
    return Record(
        "A1", Fraction(300), ("X1",), np.array([12]), adu, np.full(1, 1e-3, np.float32), np.zeros(1, np.float32)
    )


def test_all_beats_of_a_strip_are_found_from_its_first_second_on():
    found = dict(zip(FEATURES, strip_features(strip(np.arange(0.5, 11.5, 0.75))), strict=True))
    assert found["rr.count"] == 14
    assert found["rr.median"] == pytest.approx(0.75, abs=0.01) and found["quality.length_s"] == SECONDS


def test_a_strip_turned_over_has_the_same_intervals():
    upright = strip(np.arange(0.5, 12, 0.75))
    turned = replace(upright, adu=-upright.adu)
    place = FEATURES.index("rr.mean")
    assert strip_features(turned)[place] == pytest.approx(strip_features(upright)[place], abs=0.01)


@pytest.fixture
def folder(tmp_path):
    for k, label in enumerate("NA~"):
        mv = signal_mv(np.arange(0.5, 12, 0.6 + 0.1 * k))[:, None]
        wfdb.wrsamp(
            f"A{k}", 300, ["mV"], ["ECG"], mv, fmt=["16"], adc_gain=[1000], baseline=[0], write_dir=str(tmp_path)
        )
        with (tmp_path / "REFERENCE.csv").open("a") as table:
            table.write(f"A{k},{label}\n")
    return tmp_path


def test_labelled_strips_are_read_once_and_kept(folder, tmp_path, monkeypatch):
    first = read_examples(folder, tmp_path / "cache")
    monkeypatch.setattr("ecgstream.heads.rhythm.examples.strip_features", None)
    again = read_examples(folder, tmp_path / "cache")
    assert again.records == ["A0", "A1", "A2"] and again.label.tolist() == [0, 1, 3]
    np.testing.assert_array_equal(first.features, again.features)


def test_a_folder_without_labels_is_refused(folder, tmp_path):
    (folder / "REFERENCE.csv").write_text("A0,X\n")
    with pytest.raises(RecordError, match="none of them for its 3 records"):
        read_examples(folder, tmp_path / "cache")


def test_seen_strips_are_scored_only_when_that_is_said(folder, tmp_path):
    random = np.random.default_rng(1)
    features, label = random.normal(size=(80, len(FEATURES))), np.arange(80) % 4
    trees = fit(features, label, FEATURES, 4, {"num_leaves": 3}, rounds=2)
    stated = {"features": FEATURES, "classes": CLASSES, "thresholds": {"A": 0.5}, "seen": {"cinc2017": ["A1"]}}
    save_head(trees, tmp_path / "head", name="rhythm", **stated)
    with pytest.raises(RecordError, match="fitted on A1"):
        evaluate_rhythm(folder, tmp_path / "cache", head_folder=tmp_path / "head")
    found = evaluate_rhythm(folder, tmp_path / "cache", allow_seen=True, head_folder=tmp_path / "head")
    assert found["n"] == 3 and found["seen_allowed"] and set(found["f1"]) == {"N", "A", "O", "noise"}


def test_f1_is_the_challenges():
    was = np.array([0, 0, 0, 1, 1, 2, 2, 3])
    said = np.array([0, 0, 2, 1, 0, 2, 2, 3])
    found = score([str(k) for k in range(8)], was, np.eye(4)[said])
    assert found["f1"] == pytest.approx({"N": 4 / 6, "A": 2 / 3, "O": 4 / 5, "noise": 1.0})
    assert found["f1_mean"] == pytest.approx((4 / 6 + 2 / 3 + 4 / 5) / 3)
    assert found["confusion"]["O"] == {"N": 1, "A": 0, "O": 2, "~": 0}


def test_a_class_that_is_nowhere_has_no_f1():
    found = score(["a", "b"], np.array([0, 0]), np.eye(4)[[0, 0]])
    assert found["f1"]["A"] is None and found["f1_mean"] == 1.0


def test_the_threshold_keeps_nine_in_ten_right():
    probability = np.linspace(0.99, 0.01, 99)
    fibrillates = np.ones(99, bool)
    fibrillates[[20, 30, 40, 41, 42, 43, 44, 45, 46]] = False
    threshold = choose_threshold(fibrillates, probability)
    called = probability >= threshold
    assert fibrillates[called].mean() >= 0.9 and threshold == pytest.approx(probability[-1], abs=1e-4)
    assert choose_threshold(np.zeros(3, bool), probability[:3]) == 1.0
