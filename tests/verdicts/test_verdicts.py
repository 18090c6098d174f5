"""Second opinions on monitors' alarms, through a running pipeline."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from ecgstream.evaluation.alarm_records import read_groups
from ecgstream.upkeep import apply_order, restore, saved_states, watch
from ecgstream.waveform import GroupKind, MonitorAlarm
from ecgstream.wire import ecgstream_pb2 as pb
from ecgstream.wire.codec import alarm_message

from .monitor import SECOND_NS, START_NS, at_end, made_up, messages, pipeline, verdicts

TRUE, FALSE, UNSURE = pb.Verdict.TRUE_ALARM, pb.Verdict.FALSE_ALARM, pb.Verdict.CANNOT_SAY


def told(groups, *alarms: MonitorAlarm, **cut) -> list[pb.Verdict]:
    return verdicts(pipeline().process(messages(groups, alarms, **cut)))


def value(subject, name: str, **labels: str) -> float:
    return subject.metrics.registry.get_sample_value(name, labels) or 0.0


def test_beats_and_pulses_in_an_alleged_asystole_make_it_false():
    (verdict,) = told(made_up(pause=False), at_end("asystole"))
    assert verdict.opinion == FALSE and verdict.probability < 0.1
    assert "12 beats on V1 and II in the last 10 s" in verdict.evidence
    assert re.search("pleth pulse present at 7[3-7]/min", verdict.evidence)
    assert verdict.alarm == alarm_message(at_end("asystole")) and verdict.stream_id == "bed-1"
    assert verdict.head.startswith("verdicts@")


def test_a_pause_in_beats_and_pulses_makes_it_true():
    (verdict,) = told(made_up(pause=True), at_end("asystole"))
    assert verdict.opinion == TRUE and verdict.probability > 0.5
    assert "longest time without a beat 6." in verdict.evidence


def test_without_pleth_the_ecg_alone_decides():
    (verdict,) = told(made_up(pause=False, pleth=False), at_end("asystole"))
    assert verdict.opinion == FALSE and "pleth" not in verdict.evidence
    (verdict,) = told(made_up(pause=True, pleth=False), at_end("asystole"))
    assert verdict.opinion == TRUE


def test_too_little_signal_is_said():
    subject = pipeline()
    subject.process(messages(made_up(False))[:2])  # two seconds of stream, no more
    row = subject.intake.row_of["bed-1"]
    subject.raise_alarm(row, MonitorAlarm(0, "asystole", START_NS + 2 * SECOND_NS))
    (verdict,) = verdicts(subject.tell_verdicts())
    assert not verdict.HasField("probability")
    assert verdict.opinion == UNSURE and "too little signal" in verdict.evidence


@pytest.mark.parametrize(
    "cuts_s",
    [tuple(n / 5 for n in range(1, 150)), tuple(range(4, 30, 4)), (0.3, 3.1, 7.9, 8.0, 14.0, 19.9, 25.5, 28.7)],
)
def test_how_samples_are_cut_into_messages_does_not_matter(cuts_s):
    groups, alarm = made_up(pause=True), at_end("asystole")
    (by_second,) = told(groups, alarm)
    (verdict,) = told(groups, alarm, cuts_s=cuts_s)
    assert (verdict.probability, verdict.evidence) == (by_second.probability, by_second.evidence)
    assert verdict.verdict_id == by_second.verdict_id


def test_passes_of_the_daemon_do_not_matter():
    sent = messages(made_up(pause=True), (at_end("asystole"),))
    one, other = pipeline(), pipeline()
    (at_once,) = verdicts(one.process(sent))
    (bit_by_bit,) = verdicts([out for message in sent for out in other.process([message])])
    assert at_once == bit_by_bit


def test_an_alarm_is_judged_once_however_often_it_is_told():
    alarm, subject = at_end("asystole", before_s=2.0), pipeline()
    sent = messages(made_up(pause=True), (alarm, alarm))
    assert len(verdicts(subject.process(sent))) == 1
    row = subject.intake.row_of["bed-1"]
    subject.raise_alarm(row, alarm)
    assert subject.tell_verdicts() == []
    subject.raise_alarm(row, replace(alarm, name="bradycardia"))
    assert len(subject.tell_verdicts()) == 1


def test_the_end_of_an_alarm_asks_for_nothing():
    assert told(made_up(pause=False), replace(at_end("asystole"), active=False)) == []


def test_an_alarm_of_another_name_is_counted_and_said():
    subject = pipeline()
    sent = messages(made_up(pause=False), (at_end("check electrodes"), at_end("asystole")))
    assert [verdict.alarm.name for verdict in verdicts(subject.process(sent))] == ["asystole"]
    assert value(subject, "ecgstream_monitor_alarms_ignored_total") == 1
    assert value(subject, "ecgstream_verdicts_total", alarm="asystole", opinion="false_alarm") == 1
    assert value(subject, "ecgstream_latency_seconds_count", message="verdict") == 1


def test_an_alarm_ahead_of_its_samples_waits_for_them():
    early, subject = at_end("asystole"), pipeline()
    sent = messages(made_up(pause=True))
    subject.process(sent[:-1])
    subject.raise_alarm(subject.intake.row_of["bed-1"], early)
    assert subject.tell_verdicts() == []
    (verdict,) = verdicts(subject.process(sent[-1:]))
    assert verdict.evidence == told(made_up(pause=True), early)[0].evidence


def test_an_alarm_whose_samples_do_not_come_is_judged_after_a_second():
    subject = pipeline()
    subject.process(messages(made_up(pause=True)))
    subject.raise_alarm(subject.intake.row_of["bed-1"], at_end("asystole", before_s=-5.0))
    assert subject.tell_verdicts() == []
    subject.clock.now += SECOND_NS
    (verdict,) = verdicts(watch(subject))
    assert verdict.opinion == TRUE


def test_an_order_brings_an_alarm_and_its_reply_says_what_follows():
    subject = pipeline()
    subject.process(messages(made_up(pause=True)))
    order = pb.Control(version=1, stream_id="bed-1", actor="gateway", monitor_alarm=alarm_message(at_end("asystole")))
    reply, out = apply_order(subject, order)
    assert reply.accepted and [verdict.opinion for verdict in verdicts(out)] == [TRUE]
    order.monitor_alarm.name = "leads off"
    reply, out = apply_order(subject, order)
    assert not reply.accepted and "ventricular_fibrillation" in reply.text and verdicts(out) == []


def test_what_was_told_is_known_after_a_restart():
    alarm, before, after = at_end("asystole"), pipeline(), pipeline()
    before.process(messages(made_up(pause=True), (alarm,)))
    before.raise_alarm(0, at_end("tachycardia", before_s=-5.0))
    restore(after, saved_states(before, ["bed-1"]))
    row = after.intake.row_of["bed-1"]
    after.raise_alarm(row, alarm)
    after.clock.now += SECOND_NS
    assert [verdict.alarm.name for verdict in verdicts(after.tell_verdicts())] == ["tachycardia"]


def test_a_bed_that_is_forgotten_leaves_nothing():
    subject = pipeline()
    subject.process(messages(made_up(pause=True), (at_end("asystole"),)))
    assert subject.verdicts.save(0)["told"]
    subject.forget([0])
    assert subject.verdicts.save(0) == {"waiting": [], "told": []}


@pytest.mark.recordings
@pytest.mark.parametrize(
    ("name", "kind", "opinion", "words"),
    [
        ("a142s", "asystole", TRUE, "arterial pulse"),
        ("a104s", "asystole", FALSE, "pleth pulse present"),
        ("b349l", "bradycardia", None, "arterial pulse present"),
        ("t106s", "tachycardia", TRUE, "highest rate over 17 beats"),
        ("v132s", "ventricular_tachycardia", TRUE, "longest run of ventricular beats"),
        ("v153l", "ventricular_tachycardia", FALSE, "pleth pulse present"),
    ],
)
def test_recorded_alarms(recordings: Path, name, kind, opinion, words):
    """The head was fitted on these: what is tested is the way from the wire to the words, not its skill."""
    groups = read_groups(recordings / "cinc2015" / name)
    (verdict,) = told(groups, at_end(kind))
    assert words in verdict.evidence
    if opinion is not None:
        assert verdict.opinion == opinion
    alone = tuple(group for group in groups if group.layout.kind == GroupKind.ECG)
    (verdict,) = told(alone, at_end(kind))
    assert verdict.opinion in (TRUE, FALSE) and "pulse" not in verdict.evidence
