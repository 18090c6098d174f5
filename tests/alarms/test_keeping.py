"""A row's alarm state as JSON, and back."""

import json
from dataclasses import replace

import pytest

from ecgstream.alarms import keeping, orders
from ecgstream.alarms.lifecycle import Alarms
from ecgstream.errors import StateError
from ecgstream.limits import PRESETS, as_dict, limits_of
from ecgstream.waveform import Condition

from .timeline import feed, one_bed

LINES = {Condition.ASYSTOLE: ".##" + "." * 12, Condition.PAUSE: "." * 15, Condition.BRADYCARDIA: "." * 10 + "#####"}


def busy_bed() -> Alarms:
    alarms = one_bed()
    feed(alarms, LINES)
    orders.pause(alarms, 0, "pvc_run", 60, now_ns=10**18, at_sample=0)
    orders.set_limits(alarms, 0, {"tachycardia_bpm": 150, "extreme_tachycardia_bpm": 160})
    return alarms


def test_a_restored_row_goes_on_where_it_was():
    before, after = busy_bed(), Alarms(1)
    keeping.restore(after, 0, json.loads(json.dumps(keeping.save(before, 0))))
    more = {Condition.ASYSTOLE: "..###" + "." * 12, Condition.BRADYCARDIA: "#" * 40, Condition.PVC_RUN: "#####"}
    assert feed(after, more, now_ns=10**18) == feed(before, more, now_ns=10**18)
    assert after.limits["tachycardia_bpm"][0] == 150


@pytest.mark.parametrize(("line", "acknowledged"), [(".###", False), (".###", True), (".##" + "." * 30, False)])
def test_alerts_that_stand_are_told_again_with_the_same_content(line: str, acknowledged: bool):
    alarms = one_bed()
    _, updates = feed(alarms, {Condition.ASYSTOLE: line})
    if acknowledged:
        updates += orders.acknowledge(alarms, 0, "", at_sample=0).updates
    after = Alarms(1)
    keeping.restore(after, 0, json.loads(json.dumps(keeping.save(alarms, 0))))
    assert after.standing(0) == [replace(updates[-1], strip=None)]


def test_an_untouched_row_keeps_next_to_nothing():
    kept = keeping.save(one_bed(), 0)
    assert kept["alarms"] == {} and kept["paused_until_ns"] == {}
    assert len(json.dumps(kept)) < 400


@pytest.mark.parametrize(
    "spoil",
    [
        lambda kept: kept.pop("next_hop"),
        lambda kept: kept["limits"].pop("pause_s"),
        lambda kept: kept["alarms"].update(tea_break={}),
        lambda kept: kept["alarms"]["asystole"].pop("onset"),
        lambda kept: kept["alarms"]["asystole"].update(state="asleep"),
        lambda kept: kept["alarms"]["asystole"].update(onset="soon"),
        lambda kept: kept.update(alarms=None),
    ],
)
def test_a_state_of_another_form_is_refused_and_the_row_left_alone(spoil):
    kept = keeping.save(busy_bed(), 0)
    spoil(kept)
    alarms = one_bed()
    feed(alarms, LINES)
    before = alarms.alarms.copy()
    with pytest.raises(StateError, match="start that stream afresh"):
        keeping.restore(alarms, 0, kept)
    assert (alarms.alarms == before).all() and alarms.stream_ids == ["bed-1"]


def test_a_state_of_before_there_were_presets_is_taken_up():
    kept = keeping.save(busy_bed(), 0)
    for name in ("preset", "off", "waiting"):
        del kept[name]
    kept["limits"] = {"bradycardia_bpm": 45.0, "tachycardia_bpm": 130.0, "pause_s": 3.0}
    after = Alarms(1, preset="icu")
    keeping.restore(after, 0, kept)
    assert as_dict(after.limits[0]) == PRESETS["icu"] | kept["limits"]
    assert after.presets == ["icu"] and not after.off.any() and after.alarms["state"].any()


def test_what_is_off_and_the_preset_are_kept_unless_the_settings_forbid_it():
    before, after, strict = one_bed(), Alarms(1), Alarms(1, always_on=("tachycardia",))
    orders.set_preset(before, 0, "child")
    for name in ("tachycardia", "pvc_run"):
        orders.switch(before, 0, name, True, 0)
    for alarms in (after, strict):
        keeping.restore(alarms, 0, json.loads(json.dumps(keeping.save(before, 0))))
    assert (after.presets, after.silenced(0, 0)[0]) == (["child"], ["tachycardia", "pvc_run"])
    assert strict.silenced(0, 0)[0] == ["pvc_run"]
    assert after.limits[0] == limits_of("child")
