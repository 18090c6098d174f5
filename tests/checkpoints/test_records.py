"""Records: their size, their form, and those of older versions."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections import defaultdict

import numpy as np
import pytest

from ecgstream.beats.state import KEPT as OF_BEATS
from ecgstream.checkpoints.record import SCHEMA, decode, encode
from ecgstream.rhythm.state import KEPT as OF_RHYTHM
from ecgstream.settings import Settings
from ecgstream.upkeep import saved_states

from ..moves import Feed, Node, World, log_of
from .beds import BEDS, taken_up, ward


def test_a_record_is_small():
    _, node = ward(30, feeds=[Feed("bed", names=("I", "II", "V1", "V2", "V3", "V4", "V5", "V6"), faults=0.1)])
    ((_, record),) = node.checkpoints.records([], every=True).values()
    assert len(record) < 37_500 and len(zlib.compress(record, 1)) < 23_000


@pytest.mark.parametrize(("kept", "form"), [(OF_RHYTHM, "2d454ed0"), (OF_BEATS, "88dff4bf")], ids=["rhythm", "beats"])
def test_the_form_of_what_a_room_keeps_belongs_to_the_schema(kept, form):
    """Whoever changes ``KEPT`` changes SCHEMA and writes the migration, then the number here."""
    fields = repr([(name, kept[name].str, kept[name].shape) for name in kept.names])
    assert (SCHEMA, hashlib.sha256(fields.encode()).hexdigest()[:8]) == (10, form)


@pytest.mark.parametrize("schema", [1, 2, 3, 4, 5, 6, 7, 8, 9])
def test_a_record_of_an_older_schema_keeps_alarms_and_timeline_and_the_signal_begins_anew(schema):
    world, before = ward(40, feeds=[BEDS[0]])
    record = decode("plain", world.state[0]["plain"])
    world.state[0]["plain"] = encode(record).replace(b'"schema":10', b'"schema":%d' % schema, 1)
    node, logs = taken_up(world)
    assert any("an older version wrote its record" in entry.get("reason", "") for entry in logs)
    assert not node.pipeline.intake.is_held(np.array([0]))[0]
    told = [(u.alert_id, u.update) for u in node.pipeline.alarms.standing(0)]
    assert told == [(u.alert_id, u.update) for u in before.pipeline.alarms.standing(0)] != []


def test_a_record_of_the_state_file_is_migrated():
    _, before = ward(40, feeds=[BEDS[0]])
    old = json.dumps(saved_states(before.pipeline, ["plain"])["plain"]).encode()
    world = World(log_of([BEDS[0]]), state=defaultdict(dict, {0: {"plain": old}}))
    node, _ = taken_up(world)
    assert node.pipeline.alarms.next_hop[0] == before.pipeline.alarms.next_hop[0]
    told = [(u.alert_id, u.update) for u in node.pipeline.alarms.standing(0)]
    assert told == [(u.alert_id, u.update) for u in before.pipeline.alarms.standing(0)] != []


def test_alerts_go_with_a_record_only_where_they_may_have_to_be_told_again():
    kafka = {"source": {"kind": "kafka"}, "sink": {"kind": "kafka"}}
    for delivery, tells_again in (("at-least-once", True), ("exactly-once", False)):
        settings = Settings(**kafka, kafka={"delivery": delivery}, diagnosis={"enabled": False})
        node = Node(World(log_of([BEDS[0]])), settings)
        out = [o for message in node.world.log[:60] for o in node.pipeline.process([message])]
        ((_, record),) = node.checkpoints.records(out).values()
        alerts = [o.payload for o in out if o.name == "alert"]
        kept = [o.payload for o in decode("plain", record)["outbox"]]
        assert alerts and kept == (alerts if tells_again else [])


@pytest.mark.parametrize(
    "spoilt", [b"", b"{}", b"[]\n", b"\xff\xfe", b'{"schema":11}\n', b'{"schema":1,"rooms":{"a":9}}\nxx']
)
def test_a_record_nobody_can_read_starts_that_bed_afresh(spoilt: bytes):
    world = World(log_of([BEDS[0]]), state=defaultdict(dict, {0: {"plain": spoilt}}))
    node, logs = taken_up(world)
    assert [entry["stream_id"] for entry in logs if entry["log_level"] == "error"] == ["plain"]
    assert node.pipeline.intake.row_of == {}
    node.run()
    assert len(world.vitals) == 72
