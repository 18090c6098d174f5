"""Which stretch of signal goes with which update, and when the rest follows."""

import json
from dataclasses import replace

import pytest

from ecgstream.alarms import keeping, orders
from ecgstream.alarms.conditions import RULES
from ecgstream.alarms.lifecycle import Alarms
from ecgstream.alarms.strips import SLOTS
from ecgstream.errors import StateError
from ecgstream.waveform import GRID_HZ, HOP_SAMPLES, LETHAL, Condition, Strip

from .timeline import arrays, feed, one_bed, step

PAUSE, ASYSTOLE, AF, LEADS_OFF = Condition.PAUSE, Condition.ASYSTOLE, Condition.ATRIAL_FIBRILLATION, Condition.LEADS_OFF
QUIET = "." * 60


def told(updates):
    """(condition, update, state, decided in hops, strip in hops from the stream's first sample, complete)."""
    return [
        (u.condition, u.update, u.state, u.decided // HOP_SAMPLES,
         u.strip and (u.strip.start // HOP_SAMPLES, u.strip.stop // HOP_SAMPLES, u.strip.complete))
        for u in updates
    ]  # fmt: skip


def test_the_first_update_brings_what_is_there_and_one_more_the_rest_even_after_the_end():
    """Onset at hop 60: the strip goes from hop 10 to hop 110."""
    _, updates = feed(one_bed(), {PAUSE: "." * 60 + "###" + QUIET})
    assert told(updates) == [
        (PAUSE, 0, "active", 61, (10, 61, False)),
        (PAUSE, 1, "ended", 73, None),
        (PAUSE, 2, "ended", 110, (10, 110, True)),
    ]
    assert [u.text for u in updates] == ["", "over", ""]


def test_of_a_running_alert_the_completing_update_tells_the_state_it_has():
    alarms = one_bed()
    _, updates = feed(alarms, {ASYSTOLE: "." * 5 + "#" * 20})
    updates += orders.acknowledge(alarms, 0, "", at_sample=0).updates
    updates += feed(alarms, {ASYSTOLE: "#" * 40 + QUIET})[1]
    assert told(updates) == [
        (ASYSTOLE, 0, "active", 6, (0, 6, False)),
        (ASYSTOLE, 1, "acknowledged", 25, None),
        (ASYSTOLE, 2, "acknowledged", 55, (0, 55, True)),
        (ASYSTOLE, 3, "ended", 75, None),
    ]


def test_an_alert_that_begins_while_the_strip_of_the_last_one_is_open_has_its_own():
    _, updates = feed(one_bed(), {PAUSE: "." * 60 + "#" + "." * 12 + "#" + QUIET})
    first, second = {u.alert_id: None for u in updates}
    assert told([u for u in updates if u.alert_id == first])[-1] == (PAUSE, 2, "ended", 110, (10, 110, True))
    assert told([u for u in updates if u.alert_id == second]) == [
        (PAUSE, 0, "active", 74, (23, 74, False)),
        (PAUSE, 1, "ended", 84, None),
        (PAUSE, 2, "ended", 123, (23, 123, True)),
    ]


def test_where_the_decision_took_long_the_strip_is_the_20_s_before_it_and_complete_at_once():
    """Evidence in hop 120 with its onset in hop 60."""
    alarms = one_bed()
    feed(alarms, {AF: "." * 120})
    judged, evidence, onset = arrays({AF: "#"}, 120)
    onset[evidence] = 60 * HOP_SAMPLES
    updates = step(alarms, 120, judged, evidence, onset)
    updates += feed(alarms, {AF: "#" * 60})[1]
    assert told(updates) == [(AF, 0, "active", 121, (21, 121, True))]


def test_a_new_patient_completes_every_strip_with_what_there_is():
    alarms = one_bed()
    _, updates = feed(alarms, {PAUSE: "." * 60 + "###" + "." * 20, ASYSTOLE: "." * 80 + "###"})
    assert told(orders.associate(alarms, 0, at_sample=83 * HOP_SAMPLES, discharged=True).updates) == [
        (ASYSTOLE, 1, "ended", 83, None),
        (PAUSE, 2, "ended", 83, (10, 83, True)),
        (ASYSTOLE, 2, "ended", 83, (30, 83, True)),
    ]
    assert feed(alarms, {PAUSE: QUIET})[1] == [], "nothing of the next patient's signal goes into them"


def test_hops_that_never_came_and_hops_not_judged_count_as_time():
    alarms = one_bed()
    updates = feed(alarms, {PAUSE: "." * 20 + "#" + "?" * 10})[1]
    alarms.next_hop[0] += 300
    updates += feed(alarms, {PAUSE: "...."})[1]
    assert told(updates)[:2] == [(PAUSE, 0, "active", 21, (0, 21, False)), (PAUSE, 1, "active", 332, (0, 70, True))]


def test_only_alerts_of_the_patient_that_matter_bring_one():
    assert {rule.condition for rule in RULES if rule.has_strip} >= set(LETHAL) | {PAUSE, AF}
    assert not any(rule.has_strip for rule in RULES if rule.technical or rule.priority == 1)
    assert all(u.strip is None for u in feed(one_bed(), {LEADS_OFF: "#" * 20 + QUIET})[1])


def test_more_open_strips_than_there_is_room_for_complete_the_oldest():
    alarms = one_bed()
    updates = feed(alarms, {PAUSE: "." * 60})[1]
    for _ in range(SLOTS + 1):  # ended by order again and again
        updates += feed(alarms, {PAUSE: "#"})[1]
        updates += orders.pause(alarms, 0, "pause", 1, 0, 0).updates
        alarms.paused_until_ns[:] = 0
    completed = [u for u in updates if u.strip and u.strip.complete]
    assert told(completed) == [(PAUSE, 2, "ended", 60 + SLOTS + 1, (10, 60 + SLOTS + 1, True))]
    assert completed[0].alert_id == updates[0].alert_id


def test_open_strips_survive_a_restart():
    before, after = one_bed(), Alarms(1)
    feed(before, {PAUSE: "." * 60 + "###" + "." * 12 + "#", AF: "." * 70 + "###"})
    keeping.restore(after, 0, json.loads(json.dumps(keeping.save(before, 0))))
    more = {PAUSE: "." * 90, AF: "#" * 90}
    assert feed(after, more) == feed(before, more)
    assert sum(u.strip is not None for u in feed(after, {PAUSE: "."})[1]) == 0


def test_a_state_from_before_there_were_strips_is_read_and_has_none_open():
    before, after = one_bed(), Alarms(1)
    feed(before, {PAUSE: "." * 60 + "#", ASYSTOLE: "." * 60 + "#"})
    kept = keeping.save(before, 0)
    del kept["strips"]
    for values in kept["alarms"].values():
        del values["changed"]
    keeping.restore(after, 0, kept)
    assert told(feed(after, {ASYSTOLE: "#" + QUIET})[1]) == [(ASYSTOLE, 1, "latched", 72, None)]


@pytest.mark.parametrize(
    "spoil", [lambda s: s.pop("begun"), lambda s: s.update(condition="tea"), lambda s: s.update(state=1)]
)
def test_an_open_strip_of_another_form_is_refused(spoil):
    alarms = one_bed()
    feed(alarms, {PAUSE: "." * 60 + "#"})
    kept = keeping.save(alarms, 0)
    spoil(kept["strips"][0])
    with pytest.raises(StateError, match="start that stream afresh"):
        keeping.restore(Alarms(1), 0, kept)


def test_an_alert_told_again_after_a_restart_is_the_same_but_for_its_strip():
    alarms = one_bed()
    (told_first,) = feed(alarms, {ASYSTOLE: ".#"})[1]
    assert told_first.strip == Strip(0, 2 * HOP_SAMPLES, 2 * HOP_SAMPLES, False) and told_first.onset < GRID_HZ
    assert alarms.standing(0) == [replace(told_first, strip=None)]
