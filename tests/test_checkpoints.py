"""Beds that move: whoever goes on after a crash says what one undisturbed daemon would have said."""

from __future__ import annotations

from functools import cache

from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ecgstream.settings import Settings
from ecgstream.wire import ecgstream_pb2 as pb

from .moves import Crash, Feed, Node, World, assert_same_told, log_of

RULES = Settings(diagnosis={"enabled": False})
SHORT = Settings(diagnosis={"enabled": False}, state={"warmup_s": 15, "save_every_s": 1})
PROPERTY = {"deadline": None, "suppress_health_check": list(HealthCheck)}

BEDS = [
    Feed("plain", parts=3, seed=1),
    Feed("faulty", fs=360, parts=3, seed=2, faults=0.15, partition=1),
    Feed("fast", fs=500, names=("II", "V5"), parts=2, seed=3, faults=0.05),
    Feed("changing", parts=3, seed=4, fewer_leads_s=37.0, partition=1),
    Feed("silent", parts=3, seed=5, silent_s=(20.0, 61.0)),
    Feed("gap", parts=3, seed=6, silent_s=(41.0, 49.0), partition=1),
]


def order(stream_id: str, **orders) -> pb.Control:
    return pb.Control(version=1, stream_id=stream_id, actor="nurse 7", **orders)


ORDERS = {
    90: order("plain", acknowledge=pb.Acknowledge()),
    150: order("faulty", limits=pb.Limits(tachycardia_bpm=90.0)),
    200: order("gap", acknowledge=pb.Acknowledge()),
    260: order("changing", association=pb.Association(patient_reference="another")),
    320: order("plain", pause=pb.Pause(condition="tachycardia", duration_s=600)),
}


@cache
def log():
    return log_of(BEDS)


@cache
def undisturbed() -> World:
    world = World(log(), ORDERS)
    Node(world, RULES).run()
    return world


def after_crashes(crashes, settings=RULES, model=None, log_=None, orders=ORDERS) -> World:
    """The world after daemons died at these (message, stage), one after another, and one lived."""
    world = World(log_ or log(), dict(orders))
    for crash_at, stage, per_pass in crashes:
        try:
            Node(world, settings, model).run(per_pass, crash_at, stage)
        except Crash:
            continue
    Node(world, settings, model).run()
    return world


def test_the_log_is_worth_reading():
    world = undisturbed()
    assert len(world.log) > 400 and len(world.alerts) > 60
    states = {(alert.condition, alert.state) for alert in world.alerts}
    assert ("asystole", pb.Alert.ACKNOWLEDGED) in states and ("ventricular_fibrillation", pb.Alert.LATCHED) in states


crash = st.tuples(st.integers(0, 420), st.integers(0, 3), st.integers(1, 40))


@hypothesis_settings(max_examples=40, **PROPERTY)
@given(crashes=st.lists(crash, min_size=1, max_size=4))
def test_nothing_is_lost_and_nothing_said_otherwise(crashes):
    assert_same_told(after_crashes(sorted(crashes)), undisturbed())
