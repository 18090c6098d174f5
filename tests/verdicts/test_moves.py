"""A verdict is told once, and told the same, whoever reads the log."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from ecgstream.outputs import Outgoing
from ecgstream.settings import Settings
from ecgstream.sources.message import Message, Position
from ecgstream.wire import ecgstream_pb2 as pb

from ..moves import Crash, Node, World
from .monitor import SECOND_NS, START_NS, at_end, made_up, messages, verdicts

SETTINGS = Settings(diagnosis={"enabled": False})
ALARM_S = 20


@dataclass
class Ward(World):
    """Keeps verdicts, too."""

    verdicts: list[pb.Verdict] = field(default_factory=list)

    def tell(self, out: list[Outgoing]) -> None:
        self.verdicts += verdicts(out)
        super().tell([outgoing for outgoing in out if outgoing.name != "verdict"])


def ward() -> Ward:
    """A bed whose monitor says asystole in every chunk from the twentieth second on."""
    sent = messages(made_up(pause=False), (at_end("asystole", before_s=30 - ALARM_S),))
    log = [
        Message(m.payload, m.content_type, m.arrived_ns, Position(0, n, START_NS + n * SECOND_NS, 0))
        for n, m in enumerate(sent)
    ]
    return Ward(log)


def run(world: Ward, crash_at: int = -1, stage: int = 0) -> None:
    if crash_at >= 0:
        with pytest.raises(Crash):
            Node(world, SETTINGS).run(per_pass=1, crash_at=crash_at, stage=stage)
    Node(world, SETTINGS).run(per_pass=1)


def said(verdict: pb.Verdict) -> tuple:
    return verdict.verdict_id, verdict.opinion, verdict.probability, verdict.evidence


@pytest.mark.parametrize(("crash_at", "stage"), [(-1, 0), (10, 1), (22, 0), (22, 1), (22, 2), (27, 3)])
def test_a_verdict_whose_record_is_kept_is_not_told_again(crash_at, stage):
    undisturbed, moved = ward(), ward()
    run(undisturbed)
    run(moved, crash_at, stage)
    assert [said(verdict) for verdict in moved.verdicts] == [said(verdict) for verdict in undisturbed.verdicts]
    assert len(moved.verdicts) == 1


@pytest.mark.parametrize("stage", [0, 1])
def test_a_death_before_its_record_is_kept_loses_none_and_says_nothing_else(stage):
    world = ward()
    run(world, ALARM_S - 1, stage)
    assert len({said(verdict) for verdict in world.verdicts}) == 1 and len(world.verdicts) == 1 + stage
