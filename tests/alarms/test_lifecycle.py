"""Transitions of the alarm lifecycle, as timelines of 200 ms hops."""

import numpy as np
import pytest

from ecgstream.alarms.conditions import RULES
from ecgstream.alarms.lifecycle import Alarms
from ecgstream.alarms.machine import State
from ecgstream.waveform import HOP_SAMPLES, N_CONDITIONS, Condition, Priority

from .timeline import arrays, feed, one_bed, step

ASYSTOLE, VT, VF = Condition.ASYSTOLE, Condition.VENTRICULAR_TACHYCARDIA, Condition.VENTRICULAR_FIBRILLATION
PAUSE, RUN, BRADYCARDIA = Condition.PAUSE, Condition.PVC_RUN, Condition.BRADYCARDIA
EXTREME_TACHYCARDIA, LEADS_OFF = Condition.EXTREME_TACHYCARDIA, Condition.LEADS_OFF


def hops(seconds: float) -> int:
    return round(seconds * 5)


# Asystole: no onset delay, 2 s (10 hops) until it is over, latches. Pause: the same, but does not latch.
# Bradycardia and leads off: 5 s and 2 s (25 and 10 hops) of evidence after the first.
@pytest.mark.parametrize(
    ("condition", "evidence", "states"),
    [
        (ASYSTOLE, ".#.........#........", ".AAAAAAAAAAAAAAAAAAA"),
        (ASYSTOLE, ".#..........##......", ".AAAAAAAAAALAAAAAAAA"),
        (PAUSE, ".#..........##......", ".AAAAAAAAAA.AAAAAAAA"),
        (LEADS_OFF, ".########.####......", ".pppppppp.pppp......"),
        (ASYSTOLE, "?!!!!.#.", "......AA"),
        (ASYSTOLE, ".#.....??????.......", ".AAAAAAAAAAAAAAAALLL"),
        (ASYSTOLE, ".#.....!!!!!!.......", ".AAAAAAAAAAAAAAAALLL"),
        (LEADS_OFF, "?!!!!!!!!!!!!", ".ppppppppppAA"),
        (BRADYCARDIA, "#" * 20 + "????" + "#" * 7, "p" * 29 + "AA"),
        (BRADYCARDIA, "#" * 20 + "????" + ".##", "p" * 24 + ".pp"),
    ],
    ids=[
        "a recurrence within the ending delay is the same alert",
        "a recurrence while latched makes it active again",
        "a recurrence after the end starts again",
        "evidence that goes during the onset delay is forgotten",
        "an unjudged hop starts nothing",
        "the ending delay stands still while not judged",
        "evidence claimed for an unjudged hop is not believed",
        "technical ones are always judged",
        "the onset delay stands still while not judged",
        "and goes on with the next judged hop",
    ],
)
def test_timeline(condition, evidence, states):
    told, _ = feed(one_bed(), {condition: evidence})
    assert told[condition] == states


def test_an_alert_tells_when_it_began_and_when_that_was_decided():
    _, updates = feed(one_bed(), {BRADYCARDIA: "." * 3 + "#" * 30})
    (alert,) = updates
    assert (alert.state, alert.update, alert.priority, alert.source) == ("active", 0, Priority.MEDIUM, "rules")
    assert (alert.onset, alert.decided) == (3 * HOP_SAMPLES, (3 + 25 + 1) * HOP_SAMPLES)


def test_a_life_is_told_in_numbered_updates_of_one_id():
    _, updates = feed(one_bed(), {ASYSTOLE: ".#" + "." * 12 + "#" + "." * 12})
    assert [(update.update, update.state) for update in updates] == [
        (0, "active"),
        (1, "latched"),
        (2, "active"),
        (3, "latched"),
    ]
    assert len({update.alert_id for update in updates}) == 1
    assert updates[1].text == "over, not yet acknowledged"


def test_a_recurrence_after_the_end_is_a_new_alert():
    _, updates = feed(one_bed(), {PAUSE: ".#" + "." * 12 + "#" + "." * 12})
    assert [(update.update, update.state) for update in updates] == [(0, "active"), (1, "ended")] * 2
    assert updates[0].alert_id != updates[2].alert_id


def test_an_onset_told_too_late_or_too_early_is_brought_into_bounds():
    alarms = one_bed()
    judged, evidence, onset = arrays({PAUSE: "#"}, 0)
    assert step(alarms, 0, judged, evidence, onset + 10_000)[0].onset == HOP_SAMPLES - 1
    _, (ended,) = feed(alarms, {PAUSE: "." * 10})
    (again,) = step(alarms, int(alarms.next_hop[0]), judged, evidence, onset)
    assert again.onset == ended.decided, "an alert cannot begin before the last one of its condition ended"


# A graver condition replaces milder ones, and holds them back while it lasts and for 30 s after. VT ends after 5 s.
def test_a_graver_condition_replaces_a_milder_one():
    lines = {
        RUN: "..####" + "#" * 10,
        VT: "....##" + "#" * 10,
    }
    states, updates = feed(one_bed(), lines)
    assert states == {
        RUN: "..AA............",
        VT: "....AAAAAAAAAAAA",
    }
    assert [(update.condition, update.state, update.text) for update in updates[1:]] == [
        (VT, "active", ""),
        (RUN, "ended", "replaced by ventricular tachycardia"),
    ]


def test_the_milder_one_stays_quiet_for_the_refractory_time():
    quiet = hops(5) + hops(30)
    states, _ = feed(one_bed(), {VT: "#" + "." * (quiet + 5), RUN: "#" * (quiet + 6)})
    assert states[VT] == "A" * hops(5) + "L" * (hops(30) + 6)
    assert states[RUN] == "." * quiet + "A" * 6


def test_a_milder_lethal_one_knows_no_refractory_time():
    states, _ = feed(one_bed(), {VF: "#" + "." * 29, VT: "#" * 30})
    assert states == {
        VF: "A" * 25 + "L" * 5,
        VT: "." * 25 + "A" * 5,
    }


def test_a_latched_milder_one_is_not_taken_away():
    states, _ = feed(one_bed(), {VT: "#" + "." * 34, VF: "." * 30 + "#" * 5})
    assert states[VT] == "A" * 25 + "L" * 10


def test_every_condition_of_the_table_replaces_its_milder_ones():
    for rule in RULES:
        for milder in rule.replaces:
            lines = {milder: "#" * hops(30) + "##", rule.condition: "." * hops(30) + "#" * hops(15)}
            states, updates = feed(one_bed(), lines)
            assert states[milder].rstrip(".").endswith("A"), (rule.name, milder)
            assert [u.text for u in updates if u.text] == [f"replaced by {rule.label}"]


def test_a_disabled_condition_never_alerts():
    states, updates = feed(one_bed(disabled=("pvc_run",)), {RUN: "####", PAUSE: "####"})
    assert states[RUN] == "...."
    assert [update.condition for update in updates] == [PAUSE]


def test_evidence_of_the_model_is_told_as_its_own():
    alarms = one_bed()
    judged, evidence, onset = arrays({VF: "#"}, 0)
    (alert,) = alarms.step(np.array([0]), np.array([0]), judged, evidence, onset, evidence, 0)
    assert alert.source == "model"


# Stale streams: told by the wall clock, between hops.
def test_a_stale_stream_is_told_at_once_and_once():
    alarms = one_bed()
    feed(alarms, {PAUSE: "....."})
    (alert,) = alarms.set_technical([0], Condition.STREAM_STALE, True, [250], 0)
    assert (alert.state, alert.onset, alert.source, alert.priority) == ("active", 250, "technical", Priority.MEDIUM)
    assert alarms.set_technical([0], Condition.STREAM_STALE, True, [250], 0) == []
    (end,) = alarms.set_technical([0], Condition.STREAM_STALE, False, [250], 0)
    assert (end.state, end.update, end.alert_id) == ("ended", 1, alert.alert_id)
    assert alarms.set_technical([0], Condition.STREAM_STALE, False, [250], 0) == []
    (again,) = alarms.set_technical([0], Condition.STREAM_STALE, True, [250], 0)
    assert again.alert_id != alert.alert_id, "the same sample, but another alert"


def test_hops_do_not_touch_what_the_wall_clock_tells():
    alarms = one_bed()
    alarms.set_technical([0], Condition.STREAM_STALE, True, [0], 0)
    states, _ = feed(alarms, {Condition.STREAM_STALE: "." * 20})
    assert states[Condition.STREAM_STALE] == "A" * 20


def test_hops_that_come_again_change_nothing():
    alarms = one_bed()
    lines = {ASYSTOLE: ".##" + "." * 12, PAUSE: ".#" + "." * 13}
    feed(alarms, lines)
    before = alarms.alarms.copy()
    assert step(alarms, 0, *arrays(lines, 0)) == []
    assert (alarms.alarms == before).all()
    assert alarms.next_hop[0] == 15


def test_hops_that_never_came_end_nothing():
    alarms = one_bed()
    feed(alarms, {PAUSE: "#"})
    (update,) = step(alarms, 1000, *arrays({PAUSE: "." * 9}, 1000))
    assert update.state == "active" and update.strip.complete, "but a strip has waited long enough"
    assert [update.state for update in step(alarms, 1009, *arrays({PAUSE: "."}, 1009))] == ["ended"]


def test_rows_are_neighbours_without_knowing():
    alarms = Alarms(1)
    alarms.admit(0, "bed-0")
    alarms.grow(3)
    alarms.admit(2, "bed-2")
    judged, evidence, onset = arrays({VF: "#"}, 0)
    rows, first_hop = np.array([0, 2]), np.array([0, 7])
    two = [np.concatenate([array, array]) for array in (judged, evidence, onset, np.zeros_like(evidence))]
    two[1][0] = False
    (alert,) = alarms.step(rows, first_hop, *two, 0)
    assert (alert.row, alert.decided) == (2, 8 * HOP_SAMPLES)
    assert alarms.next_hop.tolist() == [1, 0, 8]
    alarms.reset(np.array([2]))
    assert alarms.next_hop.tolist() == [1, 0, 0]
    assert (alarms.alarms["state"] == State.INACTIVE).all()


def test_an_alarm_of_nobody_is_an_error():
    judged, evidence, onset = arrays({VF: "#"}, 0)
    with pytest.raises(LookupError, match="belongs to no stream"):
        step(Alarms(1), 0, judged, evidence, onset)


def test_limits_start_as_the_house_has_them():
    alarms = Alarms(2, limits={"bradycardia_bpm": 45, "tachycardia_bpm": 130, "pause_s": 3})
    assert alarms.limits["bradycardia_bpm"].tolist() == [45, 45]
    assert alarms.limits["tachycardia_bpm"].tolist() == [130, 130]
    assert alarms.limits["pause_s"].tolist() == [3, 3]
    assert alarms.alarms.shape == (2, N_CONDITIONS)
