"""Beds that move: whoever goes on after a crash says what one undisturbed daemon would have said."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections import defaultdict
from functools import cache

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from ecgstream.alarms.machine import State
from ecgstream.checkpoints.record import SCHEMA, decode, encode
from ecgstream.diagnosis import load_model
from ecgstream.rhythm.state import KEPT
from ecgstream.settings import Settings
from ecgstream.sources.message import Message, Position
from ecgstream.upkeep import apply_order, saved_state, watch
from ecgstream.waveform import Condition
from ecgstream.wire import ecgstream_pb2 as pb

from .feed import START_NS
from .moves import Crash, Feed, Node, World, assert_same_told, log_of

RULES = Settings(diagnosis={"enabled": False})
SHORT = Settings(diagnosis={"enabled": False}, state={"warmup_s": 25, "save_every_s": 1})
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


def after_crashes(crashes, settings=RULES, model=None, messages=None, orders=ORDERS) -> World:
    """The world after daemons died at these (message, stage), one after another, and one lived."""
    world = World(messages or log(), dict(orders))
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


# ------------------------------------------------------------------------------------------------ where reading begins


def ward(seconds: float, settings: Settings = RULES, feeds: list[Feed] = BEDS) -> tuple[World, Node]:
    """A world and its daemon after so many seconds of log."""
    world = World([m for m in log_of(feeds) if m.position.log_ns < START_NS + seconds * 1e9])
    node = Node(world, settings)
    node.run()
    return world, node


def taken_up(world: World, settings: Settings = RULES) -> tuple[Node, list[dict]]:
    with capture_logs() as logs:
        return Node(world, settings), logs


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


# ------------------------------------------------------------------------------------------------------- coming, going


def test_beds_forgotten_are_named_once_and_beds_released_are_not():
    world, node = ward(30)
    checkpoints, intake = node.checkpoints, node.pipeline.intake
    node.pipeline.clock.now = START_NS + 4000 * 10**9
    intake.last_arrival_ns[[row for stream_id, row in intake.row_of.items() if stream_id != "plain"]] = (
        4000 * 10**9 + START_NS
    )
    out = watch(node.pipeline)
    assert "plain" not in checkpoints.records(out)
    assert checkpoints.take_gone() == {"plain": 0} and checkpoints.take_gone() == {}
    checkpoints.release([1])
    assert set(intake.row_of) == {"fast", "silent"} and checkpoints.take_gone() == {}
    assert set(checkpoints.bounds()) == {0}
    with pytest.raises(KeyError):
        checkpoints.partition_of("gap")


def test_a_bed_that_moves_to_another_partition_goes_on():
    sent = log_of([Feed("bed", parts=1)])
    moved = [
        m if n < 15 else m._replace(position=Position(1, n - 15, m.position.log_ns, 0)) for n, m in enumerate(sent)
    ]
    still, world = World(sent), World(moved)
    for one in (still, world):
        Node(one, RULES).run()
    assert_same_told(world, still)
    assert set(world.state[1]) == {"bed"}
    node, _ = taken_up(World(moved, state=defaultdict(dict, {1: world.state[0]}), committed={1: 0}))
    assert node.checkpoints.partition_of("bed") == 1 and node.pipeline.alarms.next_hop[0] > 10


def test_messages_nobody_can_read_and_beds_without_a_place_hold_no_commit_back():
    world, node = ward(20, Settings(diagnosis={"enabled": False}, intake={"max_streams": 1}), [BEDS[0]])
    good = log_of([Feed("another", parts=1)])[0]
    end = world.end(0)
    bad = [Message(b"\xff", good.content_type, START_NS, Position(0, end, START_NS, 0)),
           good._replace(position=Position(0, end + 1, START_NS, 0)),
           Message(b"\xff", good.content_type, START_NS, Position(1, 7, START_NS, 0))]  # fmt: skip
    node.pipeline.process(bad)
    assert [(r.message, r.stream_id) for r in node.pipeline.refused] == [
        (bad[0], ""),
        (bad[1], "another"),
        (bad[2], ""),
    ]
    assert [r.reason for r in node.pipeline.refused] == ["bad_protobuf", "too_many_streams", "bad_protobuf"]
    assert node.checkpoints.bounds()[1] == 8 and "another" not in node.checkpoints.records([], every=True)
    node.pipeline.process([])
    assert node.pipeline.refused == []


# ------------------------------------------------------------------------------------------------------------- records


def test_a_record_is_small():
    _, node = ward(30, feeds=[Feed("bed", names=("I", "II", "V1", "V2", "V3", "V4", "V5", "V6"), faults=0.1)])
    ((_, record),) = node.checkpoints.records([], every=True).values()
    assert len(record) < 31_000 and len(zlib.compress(record, 1)) < 20_000


def test_the_form_of_what_the_rhythm_room_keeps_belongs_to_the_schema():
    """Whoever changes ``KEPT`` changes SCHEMA and writes the migration, then the number here."""
    form = hashlib.sha256(repr([(name, KEPT[name].str, KEPT[name].shape) for name in KEPT.names]).encode()).hexdigest()
    assert (SCHEMA, form[:8]) == (2, "3ce58873")


def test_a_record_of_schema_1_keeps_alarms_and_timeline_and_the_signal_begins_anew():
    world, before = ward(40, feeds=[BEDS[0]])
    record = decode("plain", world.state[0]["plain"])
    world.state[0]["plain"] = encode(record).replace(b'"schema":2', b'"schema":1', 1)
    node, logs = taken_up(world)
    assert any("an older version wrote its record" in entry.get("reason", "") for entry in logs)
    assert not node.pipeline.intake.is_held(np.array([0]))[0]
    told = [(u.alert_id, u.update) for u in node.pipeline.alarms.standing(0)]
    assert told == [(u.alert_id, u.update) for u in before.pipeline.alarms.standing(0)] != []


def test_a_record_of_the_state_file_is_migrated():
    _, before = ward(40, feeds=[BEDS[0]])
    old = json.dumps(saved_state(before.pipeline, "plain")).encode()
    world = World(log_of([BEDS[0]]), state=defaultdict(dict, {0: {"plain": old}}))
    node, _ = taken_up(world)
    assert node.pipeline.alarms.next_hop[0] == before.pipeline.alarms.next_hop[0]
    told = [(u.alert_id, u.update) for u in node.pipeline.alarms.standing(0)]
    assert told == [(u.alert_id, u.update) for u in before.pipeline.alarms.standing(0)] != []


@pytest.mark.parametrize(
    "spoilt", [b"", b"{}", b"[]\n", b"\xff\xfe", b'{"schema":9}\n', b'{"schema":1,"rooms":{"a":9}}\nxx']
)
def test_a_record_nobody_can_read_starts_that_bed_afresh(spoilt: bytes):
    world = World(log_of([BEDS[0]]), state=defaultdict(dict, {0: {"plain": spoilt}}))
    node, logs = taken_up(world)
    assert [entry["stream_id"] for entry in logs if entry["log_level"] == "error"] == ["plain"]
    assert node.pipeline.intake.row_of == {}
    node.run()
    assert len(world.vitals) == 72
