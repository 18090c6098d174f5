"""Where reading begins, and what a bed is taken up with."""

from __future__ import annotations

import numpy as np
import pytest
from structlog.testing import capture_logs

from ecgstream.alarms.machine import State
from ecgstream.checkpoints.record import decode, encode
from ecgstream.settings import Settings
from ecgstream.upkeep import apply_order, watch
from ecgstream.waveform import Condition
from ecgstream.wire import ecgstream_pb2 as pb

from ..feed import START_NS
from ..moves import Feed, Node, World, assert_same_told, log_of
from .beds import BEDS, ORDERS, RULES, after_crashes, log, order, taken_up, undisturbed, ward


def test_the_committed_offset_lags_by_no_more_than_the_warm_up_even_beside_a_silent_bed():
    world = World(log())
    node = Node(world, RULES)
    for n, message in enumerate(world.log):
        node._pass([message], -1)
        position = message.position
        if committed := world.committed.get(position.partition):
            oldest = next(m.position for m in world.log if m.position[:2] == (position.partition, committed))
            lag_s = (position.log_ns - oldest.log_ns) / 1e9
            assert lag_s <= RULES.state.warmup_s + 1, (n, lag_s)
    assert world.committed.keys() == {0, 1} and min(world.committed.values()) > 60


def test_a_bed_that_was_silent_is_taken_up_with_its_alarms_and_the_others_exactly():
    world, before = ward(58)
    node, logs = taken_up(world)
    assert {entry["stream_id"] for entry in logs if "reason" in entry} == {"silent"}
    for stream_id in ("silent", "plain"):
        rows = [n.pipeline.intake.row_of[stream_id] for n in (before, node)]
        standing = [n.pipeline.alarms.standing(row) for n, row in zip((before, node), rows, strict=True)]
        assert [(u.alert_id, u.update, u.state) for u in standing[0]] == [
            (u.alert_id, u.update, u.state) for u in standing[1]
        ]


@pytest.mark.parametrize("until_s", [40, 41, 50])
def test_minutes_without_a_broker_make_no_bed_too_old_to_be_taken_up_exactly(until_s: int):
    """Log    |--- 40 s ---|   5 min, nothing is appended   |-- the rest --|, and a crash right after or later"""
    gone_ns = 300_000_000_000
    late = [
        m._replace(position=p._replace(log_ns=p.log_ns + gone_ns * (p.log_ns >= START_NS + 40e9)))
        for m in log_of(BEDS[:2])
        for p in [m.position]
    ]
    world = World([m for m in late if m.position.log_ns < START_NS + gone_ns + until_s * 1e9])
    node = Node(world, RULES)
    node.run()
    _, logs = taken_up(world)
    assert [entry["reason"] for entry in logs if "reason" in entry] == []
    assert sum(entry["exactly"] for entry in logs if "exactly" in entry) == 2


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        (Settings(diagnosis={"enabled": False}, alarms={"pause_s": 3.0}), "it was made with other settings"),
        (Settings(diagnosis={"enabled": False}, conditioning={"mains_hz": 60}), "it was made with other settings"),
        (Settings(diagnosis={"enabled": False}, intake={"stale_s": 33}), ""),
    ],
)
def test_state_of_other_settings_is_rebuilt_never_guessed(settings: Settings, reason: str):
    world, before = ward(40)
    node, logs = taken_up(world, settings)
    assert {entry.get("reason", "") for entry in logs if entry.get("stream_id") == "plain"} == (
        {reason} if reason else set()
    )
    row = node.pipeline.intake.row_of["plain"]
    assert node.pipeline.intake.is_held(np.array([row]))[0] == (not reason)
    assert node.pipeline.alarms.next_hop[row] > 190


def test_where_retention_has_cut_the_log_beds_go_on_with_their_alarms():
    world, _ = ward(40)
    world.first_kept = {0: world.end(0) - 3, 1: world.end(1) - 3}
    node, logs = taken_up(world)
    assert {entry["reason"] for entry in logs if "reason" in entry} == {"the log does not reach back far enough"}
    world.log = log()
    world.vitals.clear()  # without its log a bed settles anew, and says so of hops that were told before
    world.diagnoses.clear()
    node.start = {p: world.first_kept[p] for p in (0, 1)}
    node.run()
    assert max(sample for stream_id, sample in world.vitals if stream_id == "plain") == 72 * 250


def test_a_log_that_was_made_anew_does_not_silence_the_bed():
    world, _ = ward(40, feeds=[BEDS[0]])
    later = [m for m in log_of([BEDS[0]]) if m.position.log_ns > START_NS + 40e9]
    world.log = [m._replace(position=m.position._replace(offset=n)) for n, m in enumerate(later)][:20]
    world.committed = {}
    world.vitals.clear()
    world.diagnoses.clear()
    node, logs = taken_up(world)
    assert {entry["reason"] for entry in logs if "reason" in entry} == {"its log is another"}
    node.run()
    assert world.vitals


def test_a_rebuild_that_misses_its_hop_is_told_and_the_bed_speaks():
    world, _ = ward(40, feeds=[BEDS[0]])
    record = decode("plain", world.state[0]["plain"])
    world.state[0]["plain"] = encode(record | {"next_hop": record["next_hop"] + 3000})
    world.log = log_of([BEDS[0]])
    with capture_logs() as logs:
        node = Node(world, RULES)
        world.vitals.clear()
        world.diagnoses.clear()
        node.run()
    assert any("expected next" in entry.get("text", "") for entry in logs)
    assert max(sample for _, sample in world.vitals) == 72 * 250


def test_an_order_while_a_bed_is_rebuilt_is_kept_with_the_record_it_is_rebuilt_from():
    world, _ = ward(40, feeds=[BEDS[0]])
    before = decode("plain", world.state[0]["plain"])
    node = Node(world, RULES)
    apply_order(node.pipeline, order("plain", limits=pb.Limits(tachycardia_bpm=99.0)))
    ((partition, record),) = node.checkpoints.records([], ("plain",)).values()
    after = decode("plain", record)
    assert partition == 0 and after["alarms"]["limits"]["tachycardia_bpm"] == 99
    for same in ("offset", "base_offset", "base", "next_hop", "rooms"):
        assert after[same] == before[same]


def test_a_new_patient_while_a_bed_is_rebuilt_has_nothing_of_the_last():
    world, _ = ward(40, feeds=[BEDS[0]])
    node = Node(world, RULES)
    row = node.pipeline.intake.row_of["plain"]
    assert node.pipeline.intake.is_held(np.array([row]))[0]
    apply_order(node.pipeline, order("plain", association=pb.Association(patient_reference="another")))
    row = node.pipeline.intake.row_of["plain"]
    assert not node.pipeline.intake.is_held(np.array([row]))[0]
    assert not node.pipeline.alarms.alarms["state"][row].any()
    fresh = Node(World([]), RULES).pipeline
    fresh._grow(row + 1)
    assert node.pipeline.rhythm.save(row) == fresh.rhythm.save(row)
    world.log = log_of([BEDS[0]])
    node.run()
    assert max(sample for _, sample in world.vitals) == 72 * 250


@pytest.mark.parametrize("crashes", [[(262, 3, 1), (268, 1, 3)], [(300, 2, 5), (345, 3, 9)]])
def test_a_death_soon_after_a_new_patient_changes_nothing(crashes):
    assert list(ORDERS).index(260) == 3 and ORDERS[260].HasField("association")
    assert_same_told(after_crashes(crashes), undisturbed())


def test_a_stale_bed_stays_stale_and_no_other_is_called_so_for_having_moved():
    world, before = ward(40, feeds=[BEDS[0], Feed("far", seed=2, silent_s=(10, 1e9))])
    before.pipeline.clock.now = START_NS + 20 * 10**9
    before.pipeline.intake.last_arrival_ns[before.pipeline.intake.row_of["plain"]] = before.pipeline.clock.now
    before._deliver(watch(before.pipeline), -1)
    node = Node(world, RULES)
    node.pipeline.clock.now = START_NS + 200 * 10**9
    for row in node.pipeline.intake.row_of.values():
        was = node.pipeline.alarms.alarms[row, Condition.STREAM_STALE]["state"]
        assert (was >= State.ACTIVE) == (node.pipeline.intake.stream_id(row) == "far")
