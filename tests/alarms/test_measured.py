"""The rate an alert of rates begins with, and the limit it lay beyond, as long as it stands."""

import json

import numpy as np
import pytest

from ecgstream.alarms import keeping, orders
from ecgstream.alarms.lifecycle import Alarms
from ecgstream.alarms.measured import HIGH_LIMIT, LOW_LIMIT, limits_of_rates
from ecgstream.limits import BOUNDS, limits_of
from ecgstream.waveform import N_CONDITIONS, AlarmUpdate, Condition

from .timeline import arrays, one_bed

BRADYCARDIA, EXTREME = Condition.BRADYCARDIA, Condition.EXTREME_TACHYCARDIA


def feed(alarms: Alarms, condition: Condition, rates: list[float]) -> list[AlarmUpdate]:
    """Step a bed hop by hop: evidence where there is a rate, which is NaN where none was measured."""
    first_hop = int(alarms.next_hop[0])
    line = "".join("#" if rate else "." for rate in rates)
    judged, evidence, onset = arrays({condition: line}, first_hop)
    measured = np.zeros((1, len(rates), N_CONDITIONS), np.float32)
    measured[0, :, condition] = np.nan_to_num(rates)
    from_model = np.zeros_like(evidence)
    hops = np.array([0]), np.array([first_hop]), judged, evidence, onset, from_model
    return alarms.step(*hops, 0, measured=measured)


def said(updates: list[AlarmUpdate]) -> list[tuple[str, float, float]]:
    return [(u.state, u.measured_per_min, u.limit_per_min) for u in updates]


def test_the_rate_is_that_of_the_first_hop_and_the_limit_the_beds_own():
    alarms = one_bed()
    orders.set_limits(alarms, 0, {"bradycardia_bpm": 56})
    updates = feed(alarms, BRADYCARDIA, [0, 48, *[52] * 26, *[0] * 60])
    assert said(updates)[0] == ("active", 48, 56) and {u[1:] for u in said(updates)} == {(48, 56)}


def test_a_limit_changed_while_it_stands_changes_nothing_of_what_is_told():
    alarms = one_bed()
    (begun,) = feed(alarms, EXTREME, [170] * 3)
    orders.set_limits(alarms, 0, {"extreme_tachycardia_bpm": 160})
    assert said(alarms.standing(0)) == said([begun]) == [("active", 170, 140)]
    assert said(alarms.repeats(10**9) + alarms.repeats(61 * 10**9)) == said([begun])
    (complete,) = feed(alarms, EXTREME, [190] * 60)
    assert complete.strip.complete and said([complete]) == said([begun])


def test_one_that_comes_back_before_it_was_acknowledged_has_the_rate_it_comes_back_with():
    alarms = one_bed()
    feed(alarms, EXTREME, [170])
    latched, _ = [u for u in feed(alarms, EXTREME, [0] * 60) if u.state == "latched"]
    (again,) = feed(alarms, EXTREME, [185])
    assert (latched.measured_per_min, again.measured_per_min) == (170, 185) and latched.alert_id == again.alert_id


def test_it_outlives_a_restart_and_what_was_kept_before_had_none():
    alarms, after = one_bed(), Alarms(1)
    feed(alarms, EXTREME, [170])
    kept = json.loads(json.dumps(keeping.save(alarms, 0)))
    keeping.restore(after, 0, kept)
    assert after.standing(0) == alarms.standing(0) and after.standing(0)[0].measured_per_min == 170
    (whole,) = [u for u in feed(after, EXTREME, [170] * 60) if u.strip]
    assert said([whole]) == [("active", 170, 140)]
    for part in (kept["alarms"]["extreme_tachycardia"], kept["strips"][0]):
        del part["measured_per_min"], part["limit_per_min"]
    keeping.restore(after, 0, kept)
    assert said(after.standing(0)) == [("active", 0, 0)]


@pytest.mark.parametrize("condition", sorted(set(Condition) - {*LOW_LIMIT, *HIGH_LIMIT}))
def test_conditions_of_no_rate_have_neither(condition: Condition):
    told = feed(one_bed(), condition, [np.nan] * 60)
    assert {u.measured_per_min for u in told} <= {0} and {u.limit_per_min for u in told} <= {0}


def test_every_limit_of_a_rate_is_some_conditions():
    rates = {name for name in BOUNDS if not name.endswith("_s")}
    assert sorted((LOW_LIMIT | HIGH_LIMIT).values()) == sorted(rates)
    table = limits_of_rates(np.repeat(limits_of("adult"), 2))
    assert table.shape == (2, N_CONDITIONS) and table[1, BRADYCARDIA] == 50 and table[1, Condition.ASYSTOLE] == 0
