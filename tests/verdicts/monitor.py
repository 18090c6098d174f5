"""A monitor that sends a recording, or a made-up patient, and raises an alarm at its end."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from ecgstream.clock import ManualClock
from ecgstream.heads import Head
from ecgstream.metrics import Metrics
from ecgstream.outputs import Outgoing
from ecgstream.pipeline import Pipeline
from ecgstream.settings import Settings
from ecgstream.sources.message import Message
from ecgstream.waveform import Channel, ChannelGroup, Chunk, GroupKind, Layout, MonitorAlarm
from ecgstream.wire import ecgstream_pb2 as pb
from ecgstream.wire.codec import decode, encode, encode_chunk
from ecgstream.wire.leads import assign_slots

START_NS = 1_700_000_000_000_000_000
SECOND_NS = 1_000_000_000
SECONDS = 30


def pipeline() -> Pipeline:
    return Pipeline(Settings(diagnosis={"enabled": False}), None, Metrics(), ManualClock(START_NS))


def made_up(pause: bool, pleth: bool = True, seconds: int = SECONDS) -> tuple[ChannelGroup, ...]:
    """Beats at 75 a minute on II and V1, with pulses; with ``pause`` both stop 6 s before the end."""
    t = np.arange(seconds * 250) / 250
    at = np.arange(0.5, seconds - (6.0 if pause else 0.0), 0.8)
    ecg = sum(np.exp(-(((t - one) / 0.012) ** 2)) + 0.25 * np.exp(-(((t - one - 0.25) / 0.05) ** 2)) for one in at)
    noise = 0.01 * np.random.default_rng(3).standard_normal((3, len(t)))
    channels = (Channel(0, "II", "mV", 200.0, 0), Channel(0, "V1", "mV", 200.0, 0))
    mv = np.stack([ecg, -0.7 * ecg]) + noise[:2]
    layout = Layout(GroupKind.ECG, Fraction(250), channels, assign_slots(channels))
    groups = [ChannelGroup(layout, np.round(200 * mv).astype(np.int16))]
    if pleth:
        wave = sum(np.exp(-(((t - one - 0.35) / 0.12) ** 2)) for one in at) + noise[2]
        of = Layout(GroupKind.PLETH, Fraction(125), (Channel(0, "PLETH", "NU", 1000.0, 0),))
        groups.append(ChannelGroup(of, np.round(1000 * wave[None, ::2]).astype(np.int16)))
    return tuple(groups)


def messages(
    groups: tuple[ChannelGroup, ...],
    alarms: tuple[MonitorAlarm, ...] = (),
    cuts_s: Sequence[float] = tuple(range(1, SECONDS)),
    stream_id: str = "bed-1",
) -> list[Message]:
    """The last 30 s of a recording, cut as wanted; alarms come with every message that ends after their start."""
    edges = [0.0, *cuts_s, float(SECONDS)]
    made = []
    for sequence, (start, stop) in enumerate(zip(edges, edges[1:], strict=False)):
        parts = []
        for group in groups:
            fs, whole = group.layout.fs_hz, group.samples[:, -int(SECONDS * group.layout.fs_hz) :]
            parts.append(ChannelGroup(group.layout, whole[:, round(start * fs) : round(stop * fs)]))
        raised = tuple(alarm for alarm in alarms if alarm.start_ns <= START_NS + round(stop * SECOND_NS))
        chunk = Chunk(stream_id, sequence, START_NS + round(start * SECOND_NS), tuple(parts), None, raised)
        content_type, payload = encode(encode_chunk(chunk))
        made.append(Message(payload, content_type, START_NS + round(stop * SECOND_NS), None))
    return made


def at_end(kind: str, before_s: float = 0.0) -> MonitorAlarm:
    return MonitorAlarm(0, kind, START_NS + round((SECONDS - before_s) * SECOND_NS))


def verdicts(out: list[Outgoing]) -> list[pb.Verdict]:
    return [decode(o.payload, o.content_type) for o in out if o.name == "verdict"]


class Steady(Head):
    """Says the same of every alarm."""

    def __init__(self, manifest, probability: float):
        super().__init__(None, manifest)
        object.__setattr__(self, "told", probability)

    def probability(self, features: np.ndarray) -> np.ndarray:
        return np.tile([1 - self.told, self.told], (len(features), 1))
