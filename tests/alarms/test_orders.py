"""Orders, as people give them between hops."""

import pytest

from ecgstream.alarms import orders
from ecgstream.alarms.conditions import RULES
from ecgstream.waveform import HOP_SAMPLES, Condition

from .timeline import feed, one_bed

ASYSTOLE, VF, PAUSE, RUN = (
    Condition.ASYSTOLE,
    Condition.VENTRICULAR_FIBRILLATION,
    Condition.PAUSE,
    Condition.PVC_RUN,
)
VT = Condition.VENTRICULAR_TACHYCARDIA


def states_of(updates):
    return [(update.condition, update.update, update.state, update.text) for update in updates]


# ---- acknowledge


def test_an_acknowledged_alert_goes_on_in_silence_until_it_ends():
    alarms = one_bed()
    _, (alert,) = feed(alarms, {ASYSTOLE: "..####"})
    outcome = orders.acknowledge(alarms, 0, alert.alert_id, 300)
    assert outcome.accepted
    assert states_of(outcome.updates) == [(ASYSTOLE, 1, "acknowledged", "")]
    assert outcome.updates[0].decided == 300
    states, updates = feed(alarms, {ASYSTOLE: "####.........."})
    assert states[ASYSTOLE] == "aaaaaaaaaaaaa."
    assert states_of(updates) == [(ASYSTOLE, 2, "ended", "over")]


def test_a_lethal_one_that_recurs_breaks_through_the_acknowledgement():
    alarms = one_bed()
    _, (alert,) = feed(alarms, {ASYSTOLE: "#"})
    orders.acknowledge(alarms, 0, alert.alert_id, HOP_SAMPLES)
    states, updates = feed(alarms, {ASYSTOLE: "#..........##"})
    assert states[ASYSTOLE] == "aaaaaaaaaa.AA"
    assert updates[-1].alert_id != alert.alert_id
    assert (updates[-1].update, updates[-1].state) == (0, "active")


def test_another_lethal_one_alerts_beside_an_acknowledged_one():
    alarms = one_bed()
    _, (alert,) = feed(alarms, {VT: "#"})
    orders.acknowledge(alarms, 0, alert.alert_id, HOP_SAMPLES)
    states, updates = feed(alarms, {VT: "###", VF: "..#"})
    assert states == {
        VT: "aa.",
        VF: "..A",
    }
    assert updates[-1].text == "replaced by ventricular fibrillation"


def test_acknowledging_a_latched_alert_ends_it():
    alarms = one_bed()
    _, updates = feed(alarms, {ASYSTOLE: "#" + "." * 10})
    outcome = orders.acknowledge(alarms, 0, updates[0].alert_id, 0)
    assert states_of(outcome.updates) == [(ASYSTOLE, 2, "ended", "over and acknowledged")]
    assert outcome.updates[0].decided == 11 * HOP_SAMPLES, "no order takes effect before hops already judged"


def test_acknowledging_everything_and_again():
    alarms = one_bed()
    feed(alarms, {ASYSTOLE: "##", VF: "##"})
    first = orders.acknowledge(alarms, 0, "", 100)
    assert [update.state for update in first.updates] == ["acknowledged"] * 2
    again = orders.acknowledge(alarms, 0, "", 100)
    assert again.accepted and again.updates == ()


def test_an_unknown_alert_is_refused():
    alarms = one_bed()
    feed(alarms, {ASYSTOLE: "##"})
    outcome = orders.acknowledge(alarms, 0, "00000000-0000-0000-0000-000000000000", 100)
    assert not outcome.accepted and outcome.updates == ()
    assert "may have ended" in outcome.sentence


# ---- pause

SECOND_NS = 1_000_000_000


def test_a_paused_condition_ends_and_starts_again_after_the_pause():
    alarms = one_bed()
    _, (alert,) = feed(alarms, {RUN: "##"})
    outcome = orders.pause(alarms, 0, "pvc_run", 120, now_ns=5 * SECOND_NS, at_sample=100)
    assert states_of(outcome.updates) == [(RUN, 1, "ended", "alarm paused")]
    states, _ = feed(alarms, {RUN: "####"}, now_ns=124 * SECOND_NS)
    assert states[RUN] == "...."
    states, (again,) = feed(alarms, {RUN: "####"}, now_ns=125 * SECOND_NS)
    assert states[RUN] == "AAAA"
    assert again.alert_id != alert.alert_id


def test_a_pause_can_be_ended_early():
    alarms = one_bed()
    orders.pause(alarms, 0, "", 120, now_ns=0, at_sample=0)
    assert feed(alarms, {RUN: "#"})[1] == []
    assert orders.pause(alarms, 0, "", 0, now_ns=0, at_sample=50).accepted
    assert len(feed(alarms, {RUN: "#"})[1]) == 1


def test_pausing_everything_leaves_asystole_and_vf():
    alarms = one_bed()
    assert orders.pause(alarms, 0, "", 60, now_ns=0, at_sample=0).accepted
    _, updates = feed(alarms, {rule.condition: "#" * 60 for rule in RULES})
    assert {update.condition for update in updates} == {ASYSTOLE, VF}
    assert alarms.set_technical([0], Condition.STREAM_STALE, True, [3000], now_ns=0) == []


def test_a_latched_alert_outlives_a_pause():
    alarms = one_bed()
    feed(alarms, {VT: "#" + "." * 25})
    assert orders.pause(alarms, 0, "ventricular_tachycardia", 60, now_ns=0, at_sample=0).updates == ()
    assert feed(alarms, {VT: "#."})[0][VT] == "LL"


@pytest.mark.parametrize(
    ("name", "duration_s", "says"),
    [
        ("asystole", 60, "cannot be paused"),
        ("ventricular_fibrillation", 60, "cannot be paused"),
        ("tea_break", 60, "no condition 'tea_break'"),
        ("pvc_run", -1, "0 to 3600 s"),
        ("pvc_run", 1e9, "0 to 3600 s"),
        ("pvc_run", float("nan"), "0 to 3600 s"),
    ],
)
def test_a_pause_that_may_not_be_is_refused(name, duration_s, says):
    alarms = one_bed()
    outcome = orders.pause(alarms, 0, name, duration_s, now_ns=0, at_sample=0)
    assert not outcome.accepted and says in outcome.sentence
    assert not alarms.paused_until_ns.any()


# ---- limits


def test_limits_are_the_rows_own():
    alarms = one_bed()
    alarms.grow(2)
    assert orders.set_limits(alarms, 0, {"bradycardia_bpm": 40, "pause_s": 3}).accepted
    assert alarms.limits.tolist() == [(40, 120, 40, 140, 100, 3, 4, 10), (50, 120, 40, 140, 100, 2.5, 4, 10)]


@pytest.mark.parametrize(
    "limits",
    [
        {"bradycardia_bpm": 10},
        {"tachycardia_bpm": 300},
        {"bradycardia_bpm": 39},
        {"asystole_s": 2},
        {"pause_s": 5},
        {"pause_s": float("nan")},
    ]
    + [{"bradycardia_bpm": 100, "tachycardia_bpm": 90}, {"pause_s": 3, "bradycardia_bpm": 10}],
)
def test_limits_out_of_bounds_are_refused_whole(limits):
    alarms = one_bed()
    outcome = orders.set_limits(alarms, 0, limits)
    assert not outcome.accepted and outcome.updates == ()
    assert alarms.limits.tolist() == [(50, 120, 40, 140, 100, 2.5, 4, 10)]


# ---- association


def test_a_new_patient_starts_with_nothing_of_the_last_ones():
    alarms = one_bed()
    feed(alarms, {VT: "#" + "." * 26, PAUSE: "." * 26 + "#", Condition.BRADYCARDIA: "." * 20 + "#" * 7})
    orders.pause(alarms, 0, "tachycardia", 600, now_ns=0, at_sample=0)
    orders.set_limits(alarms, 0, {"pause_s": 3})
    outcome = orders.associate(alarms, 0, 1350)
    assert states_of(outcome.updates) == [
        (VT, 2, "ended", "new patient"),
        (PAUSE, 1, "ended", "new patient"),
        (VT, 3, "ended", ""),
        (PAUSE, 2, "ended", ""),
    ]
    assert [bool(update.strip) for update in outcome.updates] == [False, False, True, True]
    assert not alarms.alarms["state"].any() and not alarms.paused_until_ns.any()
    assert alarms.limits["pause_s"][0] == 2.5
    assert feed(alarms, {RUN: "#"})[0][RUN] == "A", "the last patient's VT holds nothing back"


def test_a_discharge_says_so():
    alarms = one_bed()
    feed(alarms, {PAUSE: "#"})
    outcome = orders.associate(alarms, 0, 50, discharged=True)
    assert outcome.updates[0].text == "patient discharged"
