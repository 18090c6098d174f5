"""Classes of the rules' beats by the shipped encoder, and the record lists that keep DS2 unseen."""

import json
from dataclasses import replace

import numpy as np
import pytest

from ecgstream.diagnosis.loader import load_model
from ecgstream.diagnosis.model import SHIPPED
from ecgstream.evaluation.model_beats import DS2, _labels, model_beats, score_model_beats
from ecgstream.evaluation.records import read_record
from ecgstream.waveform import Beats


def test_the_rules_word_stands_where_the_encoder_has_none():
    beats = Beats(np.zeros(3, int), np.array([10, 20, 30]), np.array([False, True, True]), np.zeros(3, int))
    probs = np.array([[0, 1, 0, 0, 0], [np.nan] * 5, [np.nan] * 5])
    assert _labels(beats, probs).tolist() == [1, 2, 2]


def test_the_shipped_weights_have_not_seen_ds2():
    seen = json.loads((SHIPPED / "records.json").read_text())
    mitdb = set(seen["training"]["mitdb"]) | set(seen["validation"]["mitdb"])
    assert mitdb and not mitdb & set(DS2) and len(DS2) == 22


def test_the_shipped_card_is_of_the_shipped_weights():
    sheet = json.loads((SHIPPED / "card.json").read_text())
    assert sheet["model"] == load_model(None, "cpu").version
    assert sheet["model"] in (SHIPPED / "card.md").read_text()


@pytest.mark.recordings
def test_ventricular_beats_of_a_record_kept_from_training_are_found(recordings):
    result = score_model_beats(recordings / "mitdb", load_model(None, "cpu"), ["223"])
    assert result["gross"]["veb"]["se"] > 65 and result["gross"]["veb"]["ppv"] > 90


@pytest.mark.recordings
def test_records_side_by_side_are_classed_as_alone(recordings):
    model = load_model(None, "cpu")
    records = [shortened(read_record(recordings / "mitdb" / name), n) for name, n in (("208", 36_000), ("223", 47_000))]
    for record, beats in zip(records, model_beats(records, model), strict=True):
        (alone,) = model_beats([record], model)
        assert np.array_equal(beats.time_s, alone.time_s) and np.array_equal(beats.classes, alone.classes)
        assert len(np.unique(beats.classes)) > 1


def shortened(record, n_native):
    return replace(record, adu=record.adu[:, :n_native])
