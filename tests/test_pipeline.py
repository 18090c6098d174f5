"""The tick: a model that fails, an arena that is full, refusals that are counted."""

from __future__ import annotations

import numpy as np
import pytest

from ecgstream.clock import ManualClock
from ecgstream.diagnosis.loader import load_model
from ecgstream.errors import ModelError
from ecgstream.metrics import Metrics
from ecgstream.pipeline import Pipeline
from ecgstream.settings import Settings
from ecgstream.sources.message import Message
from ecgstream.waveform import Condition, Reason
from ecgstream.wire.codec import decode

from .feed import SECONDS, START_NS, Bed

SECOND_CUTS = tuple(range(250, SECONDS * 250, 250))


def pipeline(model=None, observer=None, **settings) -> Pipeline:
    return Pipeline(Settings(**settings), model, Metrics(), ManualClock(START_NS), observer=observer)


def messages(**bed) -> list[Message]:
    return [message for _, message in Bed("bed-1", **bed).messages()]


def value(subject: Pipeline, name: str, **labels: str) -> float:
    return subject.metrics.registry.get_sample_value(name, labels) or 0.0


@pytest.mark.parametrize("error", [ModelError("the encoder gave NaN"), RuntimeError("CUDA out of memory")])
def test_a_model_that_fails_mid_stream_is_told_and_rules_go_on(error: Exception, monkeypatch: pytest.MonkeyPatch):
    subject = pipeline(load_model(None, "cpu"))
    cut = messages(cuts=SECOND_CUTS)
    subject.process(cut[:4])

    def fail(_):
        raise error

    monkeypatch.setattr(subject.models.served.encoder.diagnosis, "step", fail)
    out = subject.process(cut[4:])
    told = {alert.condition for alert in (decode(o.payload, o.content_type) for o in out if o.name == "alert")}
    assert {"model_unavailable", "asystole"} <= told
    assert value(subject, "ecgstream_model_available") == 0
    assert value(subject, "ecgstream_latency_seconds_count", message="alert") > 0
    last = [decode(o.payload, o.content_type) for o in out if o.name == "diagnosis"][-1]
    assert (last.withheld, len(last.scores)) == ("model_unavailable", 0)


def test_while_a_backlog_is_read_rules_go_on_and_the_encoder_learns_anew():
    subject = pipeline(load_model(None, "cpu"))
    cut = messages(cuts=SECOND_CUTS)
    subject.process(cut[:9])
    subject.catching_up = True
    out = subject.process(cut[9:14])
    subject.catching_up = False
    out_after = subject.process(cut[14:])
    told = {alert.condition for alert in (decode(o.payload, o.content_type) for o in out if o.name == "alert")}
    assert "asystole" in told and "model_unavailable" not in told
    why = [decode(o.payload, o.content_type).withheld for o in out if o.name == "diagnosis"]
    assert why and set(why) == {"catching_up"}
    fresh = pipeline(load_model(None, "cpu"))
    fresh.process(cut[:14])
    fresh.models.served.encoder.reset(np.array([0]))
    expected = fresh.process(cut[14:])
    scores = [decode(o.payload, o.content_type).scores for o in out_after if o.name == "diagnosis"]
    assert scores == [decode(o.payload, o.content_type).scores for o in expected if o.name == "diagnosis"]
    assert value(subject, "ecgstream_hops_withheld_total", reason="catching_up") == 25


def test_a_model_switched_off_is_no_alarm():
    out = pipeline(diagnosis={"enabled": False}).process(messages(cuts=SECOND_CUTS))
    told = {decode(o.payload, o.content_type).condition for o in out if o.name == "alert"}
    assert "asystole" in told and "model_unavailable" not in told


def test_more_than_the_arena_holds_is_worked_off_not_lost():
    hops = []
    subject = pipeline(
        observer=lambda step: hops.extend(step.conditioned.first_hop.tolist() * step.conditioned.n_hops),
        diagnosis={"enabled": False},
        intake={"ring_s": 10},
    )
    out = subject.process(messages(cuts=tuple(range(500, SECONDS * 250, 500))))
    assert len(hops) == SECONDS * 5
    assert [o.name for o in out].count("vitals") == SECONDS
    assert value(subject, "ecgstream_messages_total", outcome="accepted") == SECONDS / 2


def test_refusals_are_counted_by_reason_and_leave_nothing_behind():
    subject = pipeline(diagnosis={"enabled": False})
    chunk_type = messages()[0].content_type
    out = subject.process([Message(b"\xff\xff", chunk_type, START_NS), Message(b"", "text/plain", START_NS)])
    assert out == [] and subject.intake.row_of == {}
    assert value(subject, "ecgstream_messages_total", outcome="refused") == 2


def test_a_clock_far_off_is_a_technical_alarm_and_the_bed_is_monitored_all_the_same():
    subject = pipeline(diagnosis={"enabled": False})
    subject.clock.now = START_NS + 400 * 86_400 * 1_000_000_000
    cut = [Message(m.payload, m.content_type, subject.clock.now) for m in messages(cuts=SECOND_CUTS)]
    alerts = [decode(o.payload, o.content_type) for o in subject.process(cut) if o.name == "alert"]
    assert {"clock_wrong", "asystole"} <= {alert.condition for alert in alerts}


def test_evidence_of_the_rules_is_never_taken_away_by_the_model():
    seen = []
    subject = pipeline(load_model(None, "cpu"), observer=seen.append)
    subject.process(messages(cuts=SECOND_CUTS))
    assert any(step.rhythm.evidence.any() for step in seen)
    for step in seen:
        physiological = step.evidence[:, :, : Condition.LEADS_OFF]
        assert (physiological >= step.rhythm.evidence[:, :, : Condition.LEADS_OFF]).all()


def test_an_alert_of_rates_tells_the_rate_and_the_limit_it_lay_beyond():
    subject = pipeline(diagnosis={"enabled": False}, alarms={"bradycardia_bpm": 90, "tachycardia_bpm": 130})
    out = subject.process(messages(cuts=SECOND_CUTS))
    alerts = [decode(o.payload, o.content_type) for o in out if o.name == "alert"]
    slow = next(alert.measured for alert in alerts if alert.condition == "bradycardia")
    assert (slow.mdc_code, slow.unit, slow.low_limit) == (147842, "/min", 90)
    assert 40 < slow.value < slow.low_limit and not slow.HasField("high_limit")
    assert not any(alert.HasField("measured") for alert in alerts if alert.condition == "asystole")


def test_hops_nobody_judged_say_why():
    subject = pipeline(diagnosis={"enabled": False})
    reasons = []
    subject.observer = lambda step: reasons.extend(step.rhythm.reason.ravel().tolist())
    subject.process(messages(cuts=SECOND_CUTS, missing=((1500, 3000),)))
    assert Reason.MISSING in np.unique(reasons)
    assert value(subject, "ecgstream_hops_not_judged_total", reason="missing") >= 25
