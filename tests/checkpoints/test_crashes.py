"""Beds that move: whoever goes on after a crash says what one undisturbed daemon would have said."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ecgstream.checkpoints import checkpoints
from ecgstream.diagnosis.loader import load_model
from ecgstream.settings import Settings
from ecgstream.wire import ecgstream_pb2 as pb

from ..moves import Feed, Node, World, assert_same_told, log_of
from .beds import BEDS, RULES, after_crashes, log, undisturbed

PROPERTY = {"deadline": None, "suppress_health_check": list(HealthCheck)}
SHORT = Settings(diagnosis={"enabled": False}, state={"warmup_s": 25, "save_every_s": 1})


def test_the_log_is_worth_reading():
    world = undisturbed()
    assert len(world.log) > 400 and len(world.alerts) > 60
    states = {(alert.condition, alert.state) for alert in world.alerts}
    assert ("asystole", pb.Alert.ACKNOWLEDGED) in states and ("ventricular_fibrillation", pb.Alert.LATCHED) in states


crash = st.tuples(st.integers(0, 420), st.integers(0, 3), st.integers(1, 40))


@hypothesis_settings(max_examples=25, **PROPERTY)
@given(crashes=st.lists(crash, min_size=1, max_size=4))
def test_nothing_is_lost_and_nothing_said_otherwise(crashes):
    assert_same_told(after_crashes(sorted(crashes)), undisturbed())


def passes_with_alerts() -> list[int]:
    """Numbers of the messages whose own pass told an alert."""
    told = []
    world = World(log())
    node = Node(world, RULES)
    for n, message in enumerate(world.log):
        if any(outgoing.name == "alert" for outgoing in node.pipeline.process([message])):
            told.append(n)
    return told


@pytest.mark.parametrize("stage", range(4))
def test_a_death_between_saving_and_telling_an_alert_loses_none(stage: int):
    told = passes_with_alerts()
    assert len(told) > 40
    for at in told[stage::24]:
        assert_same_told(after_crashes([(at, stage, 1)]), undisturbed())


@pytest.mark.parametrize("stage", range(4))
def test_more_alerts_than_a_record_takes_are_computed_again_and_come_out_the_same(stage: int, monkeypatch):
    monkeypatch.setattr(checkpoints, "OUTBOX_BYTES", 0)  # no record beside an alert, but for what orders did
    assert_same_told(after_crashes([(at, stage, 9) for at in (60, 170, 300)]), undisturbed())


@pytest.mark.parametrize("crashes", [[(70, 1, 5)], [(150, 3, 30), (151, 0, 1)], [(190, 2, 9), (260, 1, 4)]])
def test_beds_that_never_fall_silent_need_a_short_stretch_of_log(crashes):
    steady = log_of([BEDS[0], BEDS[2], BEDS[3]])
    still = World(steady)
    Node(still, SHORT).run()
    assert_same_told(after_crashes(crashes, SHORT, None, steady, {}), still)


@pytest.mark.parametrize("crashes", [[(130, 3, 9)], [(60, 2, 5), (140, 0, 20)]])
def test_with_a_model_scores_come_back_to_what_they_were(crashes):
    """To 1e-4 the encoder forgets in 40 s: that much log it must be given."""
    feeds, model = [Feed("bed", seed=1), Feed("far", fs=360, seed=2, faults=0.1)], load_model(None, "cpu")
    settings = Settings(state={"warmup_s": 45})
    still = World(log_of(feeds))
    Node(still, settings, model).run()
    assert sum(bool(said.scores) for said in still.diagnoses.values()) > 60
    assert_same_told(after_crashes(crashes, settings, model, still.log, {}), still)
