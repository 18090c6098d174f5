"""Atrial fibrillation is told, and its scores published, with and without the encoder."""

from types import SimpleNamespace

import numpy as np
import pytest

from ecgstream.clock import ManualClock
from ecgstream.metrics import Metrics
from ecgstream.pipeline import Pipeline
from ecgstream.settings import Settings
from ecgstream.waveform import HOP_SAMPLES
from ecgstream.wire.codec import decode

from .feed import START_NS, Bed
from .rhythm.signals import beat_train, noise


class Sure:
    """A head that says the same of every strip."""

    def __init__(self, af: float):
        self.af, self.manifest = af, SimpleNamespace(thresholds={"A": 0.5})

    def probability(self, features: np.ndarray) -> np.ndarray:
        return np.tile([1 - self.af, self.af, 0.0, 0.0], (len(features), 1))


def told(head: Sure | None, monkeypatch: pytest.MonkeyPatch) -> dict[str, list]:
    """What a daemon without encoder says of 38 s of an even rhythm, by the kind of message."""
    mv = beat_train(np.arange(0.5, 37.5, 0.8), 38) + noise(38 * 250, 1)
    monkeypatch.setattr("tests.feed.signal", lambda fs, leads, seed: np.tile(200 * mv, (leads, 1)).astype(np.int16))
    monkeypatch.setattr("ecgstream.passage.shipped_rhythm_head", lambda: head)
    subject = Pipeline(Settings(diagnosis={"enabled": False}), None, Metrics(), ManualClock(START_NS))
    said: dict[str, list] = {"alert": [], "vitals": [], "diagnosis": []}
    for _, message in Bed("bed-1", cuts=tuple(range(250, 38 * 250, 250))).messages():
        for outgoing in subject.process([message]):
            said[outgoing.name].append(decode(outgoing.payload, outgoing.content_type))
    return said


def test_a_fibrillating_strip_alerts_from_where_it_began(monkeypatch):
    said = told(Sure(0.9), monkeypatch)
    [alert] = said["alert"]
    assert (alert.condition, alert.source, alert.lethal) == ("atrial_fibrillation", "model", False)
    assert (alert.onset_sample, alert.decided_sample) == (20 * HOP_SAMPLES, 175 * HOP_SAMPLES)
    assert said["vitals"][-1].rhythm == "atrial_fibrillation"


def test_scores_are_published_without_the_encoder_once_a_strip_is_full(monkeypatch):
    said = told(Sure(0.2), monkeypatch)["diagnosis"]
    assert not said[33].scores and said[33].withheld
    assert {score.name: round(score.probability, 3) for score in said[-1].scores} == {
        "strip.normal": 0.8, "strip.af": 0.2, "strip.other": 0.0, "strip.noise": 0.0,
    }  # fmt: skip


@pytest.mark.parametrize("head", [Sure(0.4), None])
def test_without_a_head_or_cause_nothing_is_told(head, monkeypatch):
    assert not told(head, monkeypatch)["alert"]
