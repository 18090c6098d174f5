"""Six beds, their log and orders, daemons that die over it, and whoever takes the beds up."""

from __future__ import annotations

from functools import cache

from structlog.testing import capture_logs

from ecgstream.settings import Settings
from ecgstream.wire import ecgstream_pb2 as pb

from ..feed import START_NS
from ..moves import Crash, Feed, Node, World, log_of

RULES = Settings(diagnosis={"enabled": False})

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


def ward(seconds: float, settings: Settings = RULES, feeds: list[Feed] = BEDS) -> tuple[World, Node]:
    """A world and its daemon after so many seconds of log."""
    world = World([m for m in log_of(feeds) if m.position.log_ns < START_NS + seconds * 1e9])
    node = Node(world, settings)
    node.run()
    return world, node


def taken_up(world: World, settings: Settings = RULES) -> tuple[Node, list[dict]]:
    with capture_logs() as logs:
        return Node(world, settings), logs
