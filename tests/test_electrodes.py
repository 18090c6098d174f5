"""Exchanged arm electrodes through the whole pipeline: an alert of its own that silences nothing."""

from __future__ import annotations

from fractions import Fraction
from functools import cache

import numpy as np
import pytest

from ecgstream.alarms.about import ARMS_SWAPPED
from ecgstream.clock import ManualClock
from ecgstream.metrics import Metrics
from ecgstream.pipeline import Pipeline
from ecgstream.settings import Settings
from ecgstream.sources.message import Message
from ecgstream.waveform import Channel, ChannelGroup, GroupKind, Layout
from ecgstream.wire import ecgstream_pb2 as pb
from ecgstream.wire.codec import decode
from ecgstream.wire.leads import assign_slots

from .electrodes.hearts import CHEST, NORMAL, SECOND
from .feed import START_NS
from .moves import Crash, Node, World
from .test_neighbours import coded, messages

SETTINGS = Settings(diagnosis={"enabled": False})
STOPS_S = 75


@cache
def sent(swapped: bool = True, every_s: float = 1.0) -> list[Message]:
    """A bed of three leads whose heart stands still from ``STOPS_S``."""
    mv = np.stack([-NORMAL, SECOND - NORMAL, CHEST] if swapped else [NORMAL, SECOND, CHEST])
    mv = mv * (np.arange(mv.shape[1]) < STOPS_S * 250) + 0.005 * np.random.default_rng(1).standard_normal(mv.shape)
    channels = tuple(Channel(0, name, "mV", 200.0, 0) for name in ("I", "II", "V6"))
    layout = Layout(GroupKind.ECG, Fraction(250), channels, assign_slots(channels))
    return messages((ChannelGroup(layout, coded(mv, 200)),), every_s)


@cache
def told(swapped: bool = True, every_s: float = 1.0) -> list[pb.Alert]:
    pipeline = Pipeline(SETTINGS, None, Metrics(), ManualClock(START_NS))
    out = [o for message in sent(swapped, every_s) for o in pipeline.process([message])]
    assert not pipeline.refused
    return [decode(o.payload, o.content_type) for o in out if o.name == "alert"]


def test_it_is_a_technical_alert_of_low_priority_with_its_words():
    (alert,) = [alert for alert in told() if alert.condition == "electrodes_swapped"]
    assert (alert.text, alert.priority, alert.source) == (ARMS_SWAPPED, pb.Alert.LOW, "technical")
    assert 30 < alert.decided_sample / 250 < 45
    assert not any(alert.condition == "electrodes_swapped" for alert in told(swapped=False))


def test_it_silences_nothing():
    asystole = [alert for alert in told() if alert.condition == "asystole"]
    assert asystole and STOPS_S < asystole[0].decided_sample / 250 < STOPS_S + 10


@pytest.mark.parametrize("every_s", [0.2, 0.62, 7.4])
def test_how_messages_are_cut_does_not_matter(every_s):
    wanted, found = ([(a.alert_id, a.update, a.decided_sample, a.text) for a in told(True, s)] for s in (1.0, every_s))
    assert found == wanted


@pytest.mark.parametrize("crash_at", [5, 20, 33, 60])
def test_it_goes_on_in_another_daemon(crash_at):
    worlds = [World(sent()) for _ in range(2)]
    Node(worlds[0], SETTINGS).run(per_pass=1)
    with pytest.raises(Crash):
        Node(worlds[1], SETTINGS).run(per_pass=1, crash_at=crash_at, stage=3)
    Node(worlds[1], SETTINGS).run(per_pass=1)
    undisturbed, moved = ({(a.alert_id, a.update, a.text) for a in world.alerts} for world in worlds)
    assert moved == undisturbed and any(text == ARMS_SWAPPED for _, _, text in moved)
