"""Real daemons killed, frozen and replaced on a real broker tell what one undisturbed daemon tells.

The long form, with fifty kills, the encoder and a broker that is killed, too: `python benchmarks/kafka_chaos.py`.
"""

import random

import pytest

from ecgstream.wire import ecgstream_pb2 as pb

from .alerts import Alerts, compare
from .chaos import Disturbance, Run, step_kills
from .ward import ill_ward, write_score

SECONDS = 360.0
"""More than is played."""
SPEED = 3.0
DISTURBANCES = {
    "exactly-once": [*step_kills([3, 6], random.Random(1)), Disturbance("freeze"), Disturbance("kill")],
    "at-least-once": [*step_kills([2, 4], random.Random(2)), Disturbance("freeze")],
}
"""Five kills in all, four of them at steps of the commit."""


@pytest.fixture(scope="module")
def score():
    return write_score(ill_ward(8, SECONDS), SECONDS)


@pytest.fixture(scope="module")
def undisturbed(broker, score, tmp_path_factory):
    return Run(broker, score, tmp_path_factory.mktemp("undisturbed"), "at-least-once", random.Random(0)).undisturbed()


@pytest.mark.parametrize("delivery", DISTURBANCES)
def test_disturbed_daemons_tell_what_an_undisturbed_one_tells(delivery, broker, score, undisturbed, tmp_path):
    run = Run(broker, score, tmp_path, delivery, random.Random(3))
    told = run.disturbed(undisturbed, DISTURBANCES[delivery], SPEED)
    assert len(run.done) == len(DISTURBANCES[delivery]) and not run.late
    assert len(undisturbed.contents) >= 300
    assert (told.lost, told.differing, told.added) == ([], [], [])
    if delivery == "exactly-once":
        assert told.doubled == []


def test_the_comparison_sees_what_is_lost_doubled_different_and_added(undisturbed):
    first, second, third = list(undisturbed.contents)[:3]
    contents = {pair: set(found) for pair, found in undisturbed.contents.items()}
    times, decided_s = {**undisturbed.times, second: 2, ("another", 0): 1}, {**undisturbed.decided_s, ("another", 0): 5}
    about = {**undisturbed.about, ("another", 0): "bed-01 asystole ACTIVE"}
    contents[third].add(pb.Alert(text="another content").SerializeToString())
    contents["another", 0] = {b""}
    del contents[first], times[first], decided_s[first]
    told = compare(undisturbed, Alerts(contents, times, about, decided_s))
    assert "another content" in told.differing[0]
    assert [len(told.lost), len(told.doubled), len(told.differing), len(told.added)] == [1, 1, 1, 1]
    assert compare(undisturbed, undisturbed) == type(told)([], [], [], [])
