"""Orders, silence and restarts, in one process with a clock that goes where it is told."""

from __future__ import annotations

import json

import pytest
from structlog.testing import capture_logs

from ecgstream.clock import ManualClock
from ecgstream.limits import limits_of
from ecgstream.metrics import Metrics
from ecgstream.outputs import Outgoing
from ecgstream.pipeline import Pipeline
from ecgstream.settings import Settings
from ecgstream.upkeep import apply_order, restore, saved_states, watch
from ecgstream.wire import ecgstream_pb2 as pb
from ecgstream.wire.codec import decode

from .feed import SECONDS, START_NS, Bed

SECOND_NS = 1_000_000_000
BED = Bed("bed-1", cuts=tuple(range(250, SECONDS * 250, 250)))


def rules_only() -> Pipeline:
    settings = Settings(diagnosis={"enabled": False}, intake={"stale_s": 10, "evict_s": 60})
    return Pipeline(settings, None, Metrics(), ManualClock(START_NS))


def alerts(out: list[Outgoing]) -> list[pb.Alert]:
    return [decode(o.payload, o.content_type) for o in out if o.name == "alert"]


def vitals_of(out: list[Outgoing]) -> list[pb.Vitals]:
    return [decode(o.payload, o.content_type) for o in out if o.name == "vitals"]


def states(out: list[Outgoing]) -> list[tuple[str, int]]:
    return [(alert.condition, alert.state) for alert in alerts(out)]


@pytest.fixture
def in_asystole() -> tuple[Pipeline, pb.Alert]:
    pipeline = rules_only()
    out = pipeline.process([message for _, message in BED.messages()[:13]])
    return pipeline, next(alert for alert in alerts(out) if alert.condition == "asystole")


def order(pipeline: Pipeline, **orders) -> tuple[pb.ControlReply, list[pb.Alert]]:
    reply, out = apply_order(pipeline, pb.Control(version=1, stream_id="bed-1", actor="nurse 7", **orders))
    return reply, alerts(out)


def test_an_acknowledgement_is_an_update_of_the_alert(in_asystole):
    pipeline, alert = in_asystole
    reply, told = order(pipeline, acknowledge=pb.Acknowledge(alert_id=alert.alert_id))
    assert reply.accepted and reply.effective_sample == 13 * 250
    assert [(a.alert_id, a.update, a.state) for a in told] == [(alert.alert_id, 1, pb.Alert.ACKNOWLEDGED)]


def test_an_order_for_an_unknown_bed_is_refused_in_a_sentence():
    reply, told = order(rules_only(), acknowledge=pb.Acknowledge())
    assert not reply.accepted and "bed-1" in reply.text and not told


def test_a_new_patient_ends_what_the_last_one_left(in_asystole):
    pipeline, alert = in_asystole
    _, told = order(pipeline, association=pb.Association(patient_reference="someone else"))
    assert (alert.alert_id, pb.Alert.ENDED) in [(a.alert_id, a.state) for a in told]


def test_a_new_patient_is_judged_as_if_the_bed_had_never_had_another():
    pipeline, fresh = rules_only(), rules_only()
    messages = [message for _, message in BED.messages()]
    pipeline.process(messages[:6])
    order(pipeline, association=pb.Association(patient_reference="someone else"))
    later, alone = vitals_of(pipeline.process(messages[12:20])), vitals_of(fresh.process(messages[12:20]))
    assert len(later) == len(alone) == 8 and any(said.HasField("heart_rate_bpm") for said in later)
    first = later[0].sample - alone[0].sample
    for said, expected in zip(later, alone, strict=True):
        assert said.sample - expected.sample == first
        for vitals in (said, expected):
            for name in ("sample", "time_ns", "published_time_ns"):
                vitals.ClearField(name)
        assert said == expected


def test_limits_reach_the_rules():
    pipeline = rules_only()
    messages = [message for _, message in BED.messages()]
    pipeline.process(messages[:1])
    reply, _ = order(pipeline, limits=pb.Limits(tachycardia_bpm=80.0))
    assert reply.accepted
    assert pipeline.alarms.limits["tachycardia_bpm"][0] == 80
    pipeline.process(messages[1:2])
    assert pipeline.rhythm.limits["tachycardia_bpm"][0] == 80


@pytest.mark.parametrize(("limit", "told"), [(11, True), (13, False)])
def test_pvcs_above_the_beds_limit_are_told(monkeypatch, limit, told):
    pipeline = rules_only()
    evidence = pipeline._evidence

    def with_many(seen, scores):
        seen.rhythm.pvc_per_min[:] = 12
        return evidence(seen, scores)

    monkeypatch.setattr(pipeline, "_evidence", with_many)
    messages = [message for _, message in BED.messages()]
    pipeline.process(messages[:1])
    order(pipeline, limits=pb.Limits(pvc_per_min=limit))
    found = [alert for alert in alerts(pipeline.process(messages[1:])) if alert.condition == "frequent_pvc"]
    assert bool(found) == told
    assert not told or (found[0].priority, found[0].snomed_code) == (pb.Alert.LOW, "427172004")


def test_a_preset_reaches_the_rules():
    pipeline = rules_only()
    messages = [message for _, message in BED.messages()]
    pipeline.process(messages[:1])
    assert order(pipeline, preset=pb.Preset(name="neonate"))[0].accepted
    pipeline.process(messages[1:2])
    assert pipeline.rhythm.limits[0] == pipeline.alarms.limits[0] == limits_of("neonate")


def test_what_is_switched_off_or_paused_is_shown_with_every_vital_sign():
    pipeline = rules_only()
    messages = [message for _, message in BED.messages()]
    assert not vitals_of(pipeline.process(messages[:3]))[-1].alarms_off
    order(pipeline, alarm_switch=pb.AlarmSwitch(condition="tachycardia", off=True))
    order(pipeline, pause=pb.Pause(condition="pvc_run", duration_s=60))
    (shown, *_) = vitals_of(pipeline.process(messages[3:5]))
    assert (list(shown.alarms_off), list(shown.alarms_paused)) == (["tachycardia"], ["pvc_run"])
    order(pipeline, alarm_switch=pb.AlarmSwitch(off=False))
    (shown, *_) = vitals_of(pipeline.process(messages[5:7]))
    assert not shown.alarms_off and not shown.alarms_paused


def test_an_unseen_lethal_alert_is_repeated_under_its_number_three_times(in_asystole):
    pipeline, alert = in_asystole
    heard = []
    for _ in range(400):
        pipeline.clock.now += SECOND_NS
        pipeline.intake.last_arrival_ns[0] = pipeline.clock.now
        heard += alerts(watch(pipeline))
    assert [(a.alert_id, a.update, a.escalation) for a in heard] == [
        (alert.alert_id, alert.update, n) for n in (1, 2, 3)
    ]
    for repeat in heard:
        for name in ("late_s", "published_time_ns", "escalation", "strip"):
            repeat.ClearField(name)
            alert.ClearField(name)
        assert repeat == alert
    assert pipeline.metrics.registry.get_sample_value("ecgstream_escalations_total", {"condition": "asystole"}) == 3


def test_an_acknowledged_alert_is_not_repeated(in_asystole):
    pipeline, _ = in_asystole
    watch(pipeline)
    order(pipeline, acknowledge=pb.Acknowledge())
    pipeline.clock.now += 61 * SECOND_NS
    pipeline.intake.last_arrival_ns[0] = pipeline.clock.now
    assert watch(pipeline) == []


def test_silence_is_told_and_so_is_its_end():
    pipeline = rules_only()
    messages = [message for _, message in BED.messages()]
    pipeline.process(messages[:3])
    pipeline.clock.now = START_NS + 9 * SECOND_NS
    assert watch(pipeline) == []
    pipeline.clock.now = START_NS + 11 * SECOND_NS
    assert states(watch(pipeline)) == [("stream_stale", pb.Alert.ACTIVE)]
    assert watch(pipeline) == []
    pipeline.intake.last_arrival_ns[0] = pipeline.clock.now
    assert states(watch(pipeline)) == [("stream_stale", pb.Alert.ENDED)]


def test_a_stream_silent_for_long_is_forgotten_after_its_alerts_have_ended(in_asystole):
    pipeline, alert = in_asystole
    pipeline.clock.now = START_NS + 61 * SECOND_NS
    told = alerts(watch(pipeline))
    assert (alert.alert_id, pb.Alert.ENDED) in [(a.alert_id, a.state) for a in told]
    assert "bed-1" not in pipeline.intake.row_of
    out = pipeline.process([message for _, message in BED.messages()[:13]])
    assert "asystole" in [alert.condition for alert in alerts(out)]


def test_a_restored_bed_tells_what_stands_and_goes_on_counting(in_asystole):
    before, alert = in_asystole
    after = rules_only()
    told = alerts(restore(after, json.loads(json.dumps(saved_states(before, ["bed-1"])))))
    assert [(a.alert_id, a.update, a.onset_sample, a.decided_sample) for a in told if a.condition == "asystole"] == [
        (alert.alert_id, alert.update, alert.onset_sample, alert.decided_sample)
    ]
    out = after.process([message for _, message in BED.messages()[13:]])
    vitals = [decode(o.payload, o.content_type) for o in out if o.name == "vitals"]
    assert vitals[-1].sample == SECONDS * 250


def test_a_state_nobody_can_read_starts_that_stream_afresh(in_asystole):
    before, _ = in_asystole
    after = rules_only()
    with capture_logs() as logs:
        assert restore(after, {"bed-1": {"timeline": {}, "alarms": {}}}) == []
    assert any(entry["log_level"] == "error" and entry["stream_id"] == "bed-1" for entry in logs)
    out = after.process([message for _, message in BED.messages()[:13]])
    assert "asystole" in [alert.condition for alert in alerts(out)]


def test_a_bed_in_the_row_of_one_that_was_forgotten_is_judged_as_if_it_were_the_first(in_asystole):
    pipeline, fresh = in_asystole[0], rules_only()
    pipeline.clock.now = fresh.clock.now = START_NS + 100 * SECOND_NS
    assert watch(pipeline) and not pipeline.intake.row_of
    other = [message for _, message in Bed("bed-2", seed=1, cuts=BED.cuts).messages()]
    told = pipeline.process(other)
    assert pipeline.intake.row_of == {"bed-2": 0} and told == fresh.process(other)
