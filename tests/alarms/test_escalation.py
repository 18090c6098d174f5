"""Unseen alerts of high priority are told again by the clock; nothing else is."""

import json

import pytest

from ecgstream.alarms import keeping, orders
from ecgstream.alarms.lifecycle import Alarms
from ecgstream.waveform import Condition

from .timeline import feed, one_bed

ASYSTOLE, PAUSE = Condition.ASYSTOLE, Condition.PAUSE
SECOND = 10**9


def repeats(alarms: Alarms, from_s: int, to_s: int) -> list[tuple[int, int, int]]:
    """Second, update and level of each repeat, looked for once a second."""
    return [(s, update.update, update.escalation) for s in range(from_s, to_s) for update in alarms.repeats(s * SECOND)]


def test_three_repeats_a_minute_apart_under_the_number_they_repeat():
    alarms = one_bed()
    _, (told,) = feed(alarms, {ASYSTOLE: "##"})
    assert repeats(alarms, 100, 600) == [(160, 0, 1), (220, 0, 2), (280, 0, 3)]
    (again,) = one_repeat(alarms)
    assert (again.alert_id, again.onset, again.decided, again.state, again.source, again.text) == (
        told.alert_id,
        told.onset,
        told.decided,
        told.state,
        told.source,
        told.text,
    )


def one_repeat(alarms: Alarms):
    alarms.escalation.waiting["level"] = 0  # once more
    return alarms.repeats(10**6 * SECOND)


def test_a_latched_alert_goes_on_waiting_and_a_recurrence_waits_anew():
    alarms = one_bed()
    feed(alarms, {ASYSTOLE: "##"})
    assert repeats(alarms, 100, 150) == []
    feed(alarms, {ASYSTOLE: "." * 12})
    assert repeats(alarms, 150, 180) == [(160, 1, 1)]
    feed(alarms, {ASYSTOLE: "#"})
    assert repeats(alarms, 180, 260) == [(240, 2, 1)]


@pytest.mark.parametrize("end", ["acknowledge", "new patient"])
def test_no_more_once_seen_or_ended(end):
    alarms = one_bed()
    feed(alarms, {ASYSTOLE: "##"})
    assert repeats(alarms, 100, 161) == [(160, 0, 1)]
    orders.acknowledge(alarms, 0, "", 0) if end == "acknowledge" else orders.associate(alarms, 0, 0)
    assert repeats(alarms, 161, 700) == []


def test_a_new_alert_after_the_end_begins_at_the_first_level():
    alarms = one_bed()
    feed(alarms, {ASYSTOLE: "##"})
    assert len(repeats(alarms, 100, 221)) == 2
    orders.associate(alarms, 0, 0)
    feed(alarms, {ASYSTOLE: "##"})
    assert repeats(alarms, 221, 290) == [(281, 0, 1)]


def test_medium_priority_is_never_repeated_and_0_s_repeats_nothing():
    alarms = one_bed()
    feed(alarms, {PAUSE: "##"})
    never = one_bed(escalate_s=0)
    feed(never, {ASYSTOLE: "##"})
    assert repeats(alarms, 100, 400) == repeats(never, 100, 400) == []


def test_a_restart_goes_on_where_it_was():
    alarms, after = one_bed(), Alarms(1)
    feed(alarms, {ASYSTOLE: "##"})
    assert repeats(alarms, 100, 190) == [(160, 0, 1)]
    keeping.restore(after, 0, json.loads(json.dumps(keeping.save(alarms, 0))))
    assert repeats(after, 200, 300) == [(220, 0, 2), (280, 0, 3)]


def test_what_was_due_while_nobody_was_there_is_told_once_and_not_all_at_once():
    alarms = one_bed()
    feed(alarms, {ASYSTOLE: "##"})
    assert repeats(alarms, 100, 101) == []
    assert [(s, level) for s, _, level in repeats(alarms, 1000, 1130)] == [(1000, 1), (1060, 2), (1120, 3)]
