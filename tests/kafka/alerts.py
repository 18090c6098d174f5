"""What a group of daemons said on Kafka, and what differs between two runs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from textwrap import shorten
from zlib import crc32

from google.protobuf.message import Message

from ecgstream.alarms.conditions import RULES
from ecgstream.settings import KafkaSettings
from ecgstream.waveform import GRID_HZ
from ecgstream.wire import ecgstream_pb2 as pb
from ecgstream.wire.codec import decode

from .topics import messages

BY_THE_WALL_CLOCK = frozenset(rule.name for rule in RULES if rule.wall_timed)
"""Conditions that depend on when something ran, not on the samples: two runs may differ in them."""
EQUAL_BUT_FOR = ("late_s", "published_time_ns")

Pair = tuple[str, int]


@dataclass(frozen=True)
class Alerts:
    """All alerts of a topic by (id, update): the different contents each pair came with, and how often it came."""

    contents: dict[Pair, set[bytes]]
    times: dict[Pair, int]
    about: dict[Pair, str]
    decided_s: dict[Pair, float]


def read_alerts(settings: KafkaSettings) -> Alerts:
    """What readers of committed messages find; what the wall clock tells is left out, its fields cleared."""
    found = Alerts({}, {}, {}, {})
    for message in messages(settings.bootstrap[0], settings.topics.alerts):
        alert = decode(message.value, dict(message.headers)["content-type"].decode())
        if alert.condition in BY_THE_WALL_CLOCK or alert.escalation:
            continue
        for name in EQUAL_BUT_FOR:
            alert.ClearField(name)
        pair = alert.alert_id, alert.update
        found.contents.setdefault(pair, set()).add(alert.SerializeToString(deterministic=True))
        found.times[pair] = found.times.get(pair, 0) + 1
        found.decided_s[pair] = alert.decided_sample / GRID_HZ
        found.about[pair] = f"{alert.stream_id} {alert.condition} {pb.Alert.State.Name(alert.state)}"
    return found


@dataclass(frozen=True)
class Comparison:
    """Pairs of a disturbed run against those of an undisturbed one, each told by what it is about."""

    lost: list[str]
    doubled: list[str]
    differing: list[str]
    added: list[str]


def compare(reference: Alerts, disturbed: Alerts, until_s: float = math.inf) -> Comparison:
    """Of what was decided up to ``until_s``, to where the disturbed ward was played.

    ``differing``: came with another content than in the reference, or with two. ``added``: not in the reference.
    """

    def told(pairs: Iterable[Pair], alerts: Alerts) -> list[str]:
        return [f"{alerts.about[pair]} {pair[0]}/{pair[1]}" for pair in sorted(pairs)]

    wanted = {pair for pair, decided_s in reference.decided_s.items() if decided_s <= until_s}
    found = {pair for pair, decided_s in disturbed.decided_s.items() if decided_s <= until_s}
    differing = [pair for pair in sorted(wanted & found) if reference.contents[pair] != disturbed.contents[pair]]
    doubled = {pair for pair in found if disturbed.times[pair] > 1}
    return Comparison(
        told(wanted - found, reference),
        told(doubled, disturbed),
        [f"{told([pair], disturbed)[0]}: {_difference(reference, disturbed, pair)}" for pair in differing],
        told(found - wanted, disturbed),
    )


def _difference(reference: Alerts, disturbed: Alerts, pair: Pair) -> str:
    """The fields in which two contents of this pair differ, shortly."""
    contents = reference.contents[pair] | disturbed.contents[pair]
    one, other = (pb.Alert.FromString(content) for content in sorted(contents)[:2])
    return "; ".join([*_fields_apart(one, other), *(f"strip.{text}" for text in _fields_apart(one.strip, other.strip))])


def _fields_apart(one: Message, other: Message) -> Iterator[str]:
    for name in (known.name for known in one.DESCRIPTOR.fields):
        values = getattr(one, name), getattr(other, name)
        if values[0] != values[1]:
            yield f"{name}: " + " or ".join(_short(value) for value in values)


def _short(value: object) -> str:
    return f"{len(value)} bytes, crc {crc32(value):08x}" if isinstance(value, bytes) else shorten(str(value), 80)
