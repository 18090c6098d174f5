"""Calibration on predictions whose truth is known."""

from pathlib import Path

import numpy as np
import pytest

from ecgstream.diagnosis.loader import load_model
from ecgstream.models.encoder import Encoder
from ecgstream.training import calibrate, labels, predict
from ecgstream.training.predict import Prediction
from ecgstream.training.train import _export

from ..untrained import small_shape
from .conftest import example


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder: Path = tmp_path_factory.mktemp("model")
    _export(Encoder(small_shape(labels.N_SCORES)), calibrate.none(), folder)
    return load_model(folder, "cpu")


def test_predictions_do_not_depend_on_who_shares_the_batch(model):
    examples = [example("mitdb", 40), example("vfdb", 12), example("cinc2017", 25, 1)]
    together = predict.predict(model, examples)
    for each, prediction in zip(examples, together, strict=True):
        alone = predict.predict(model, [each])[0]
        np.testing.assert_allclose(prediction.scores, alone.scores, atol=1e-4)
        np.testing.assert_allclose(prediction.beats, alone.beats, atol=1e-4)
        assert len(prediction.scores) == each.mv.shape[1] // 25


def test_platt_finds_the_scale_and_shift_that_were_hidden(monkeypatch, model):
    rng = np.random.default_rng(0)
    examples, told = [], []
    for _ in range(4000):
        logit = rng.normal()
        target = np.full(labels.N_SCORES, np.nan, np.float32)
        target[0] = rng.random() < 1 / (1 + np.exp(-(2 * logit - 1)))
        examples.append(example("ptbxl", 2, 1, targets=target))
        told.append(Prediction(np.full((10, labels.N_SCORES), 1 / (1 + np.exp(-logit))), np.empty((50, 6))))
    monkeypatch.setattr(calibrate, "predict", lambda _, given: told if given else [])
    monkeypatch.setattr(calibrate, "_beat_shift", lambda *_: [0.0] * 5)
    found = calibrate.calibrate(model, {"ptbxl": examples, "mitdb": []})
    assert found.scale[0] == pytest.approx(2, abs=0.2) and found.shift[0] == pytest.approx(-1, abs=0.2)
    assert (found.scale[1:] == 1).all() and (found.shift[1:] == 0).all()


def test_the_lowest_threshold_leaves_99_of_100_alone():
    harmless = np.linspace(0, 1, 1000)
    assert (harmless < calibrate._lowest_threshold(harmless)).mean() == pytest.approx(0.99, abs=0.002)


def test_a_tachycardia_told_in_fibrillation_raises_no_threshold(model, monkeypatch):
    """Both are annotated, hop by hop; the score of VT is high in either, low elsewhere."""
    target = np.full((300, labels.N_SCORES), np.nan, np.float32)
    target[:, [labels.VT, labels.VF]] = 0
    target[100:150, labels.VT] = target[200:250, labels.VF] = 1
    said = np.full((300, labels.N_SCORES), 0.1)
    said[100:150, labels.VT] = said[200:250, labels.VT] = said[200:250, labels.VF] = 0.8
    monkeypatch.setattr(calibrate, "predict", lambda _, given: [Prediction(said, np.empty((1500, 6)))] * len(given))
    monkeypatch.setattr(calibrate, "_beat_shift", lambda *_: [0.0] * 5)
    found = calibrate.calibrate(model, {"vfdb": [example("vfdb", 60, 2, targets=target)], "mitdb": []})
    scale, shift = found.scale[labels.VT].item(), found.shift[labels.VT].item()
    high = 1 / (1 + np.exp(-(scale * np.log(4) + shift)))
    assert found.thresholds["rhythm.vt"] < high


def test_a_threshold_by_f1_separates_what_can_be_separated():
    probs, truth = np.array([0.1, 0.2, 0.3, 0.7, 0.8]), np.array([0, 0, 0, 1, 1], bool)
    assert 0.3 < calibrate._threshold_by_f1(probs, truth) <= 0.7


def test_beat_shifts_bring_back_a_class_that_was_put_too_low(monkeypatch):
    rng = np.random.default_rng(0)
    truth = rng.choice([0, 1, 2], 3000, p=(0.8, 0.1, 0.1))
    logits = rng.normal(size=(3000, 5)) + 6 * np.eye(5)[truth]
    logits[:, 2] -= 5.0
    probs = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    monkeypatch.setattr(calibrate, "_beats", lambda *_: [(probs, truth)])
    shift = np.array(calibrate._beat_shift([], []))
    before, after = probs.argmax(1), (logits + shift).argmax(1)
    assert calibrate._f1(before == 2, truth == 2) < 0.7
    assert calibrate._f1(after == 2, truth == 2) > 0.95


def test_a_record_without_such_beats_is_served_by_being_left_alone():
    nothing = np.zeros(100, bool)
    few = nothing.copy()
    few[:10] = True
    assert calibrate._served(nothing, nothing) == 1.0
    assert calibrate._served(few, nothing) == pytest.approx(0.9)
    assert calibrate._served(few, few) == 1.0 and calibrate._served(nothing, few) == 0.0
