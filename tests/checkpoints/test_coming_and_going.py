"""Beds that are forgotten, released, moved or refused."""

from __future__ import annotations

from collections import defaultdict

import pytest

from ecgstream.settings import Settings
from ecgstream.sources.message import Message, Position
from ecgstream.upkeep import watch

from ..feed import START_NS
from ..moves import Feed, Node, World, assert_same_told, log_of
from .beds import BEDS, RULES, taken_up, ward


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
