"""A monitor that sends a constant for ECG: pleth and pressure, where they are sent, tell the cable from the heart."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from ecgstream.alarms.about import FLAT_LINE, PULSE_BESIDE
from ecgstream.clock import ManualClock
from ecgstream.evaluation.alarm_records import read_alarms, read_groups
from ecgstream.metrics import Metrics
from ecgstream.neighbours import BEHIND_S, STRETCH_S
from ecgstream.pipeline import Pipeline
from ecgstream.pulse import find_pulses, shows_pulse
from ecgstream.settings import Settings
from ecgstream.sources.message import Message, Position
from ecgstream.waveform import CODE_LIMIT, Channel, ChannelGroup, Chunk, GroupKind, Layout
from ecgstream.wire import ecgstream_pb2 as pb
from ecgstream.wire.codec import decode, encode, encode_chunk
from ecgstream.wire.leads import assign_slots

from .moves import START_NS, Crash, Node, World

SECONDS, FLAT_S = 36, 16
SETTINGS = Settings(diagnosis={"enabled": False})
Groups = tuple[ChannelGroup, ...]


def patient(pleth: str = "", abp: str = "", seconds: int = SECONDS) -> Groups:
    """75 a minute on II and V1 until ``FLAT_S``, a constant from there on.

    Pleth and pressure, where named: ``beats`` to the end, ``stops`` with the line, ``falls`` with small waves left.
    """
    t, rng = np.arange(seconds * 250) / 250, np.random.default_rng(3)
    at = np.arange(0.5, seconds, 0.8)
    ecg = sum(np.exp(-(((t - one) / 0.012) ** 2)) + 0.25 * np.exp(-(((t - one - 0.25) / 0.05) ** 2)) for one in at)
    live = t < FLAT_S
    mv = np.stack([ecg, -0.7 * ecg]) * live + 0.01 * rng.standard_normal((2, len(t))) * live
    channels = (Channel(0, "II", "mV", 200.0, 0), Channel(0, "V1", "mV", 200.0, 0))
    groups = [ChannelGroup(Layout(GroupKind.ECG, Fraction(250), channels, assign_slots(channels)), coded(mv, 200))]
    for kind, name, how in ((GroupKind.PLETH, "PLETH", pleth), (GroupKind.ABP, "ABP", abp)):
        if how:
            wave = pulses(how, at, t[::2]) + 0.2 * rng.standard_normal(len(t) // 2)
            of = Layout(kind, Fraction(125), (Channel(0, name, "mmHg", 20.0, 0),))
            groups.append(ChannelGroup(of, coded(wave[None], 20)))
    return tuple(groups)


def pulses(how: str, at: np.ndarray, t: np.ndarray) -> np.ndarray:
    wave = np.zeros(len(t))
    for one in at + 0.25:
        left = {"beats": 1.0, "stops": 0.0, "falls": 0.15}[how] if one > FLAT_S else 1.0
        wave += left * 40 * np.exp(-np.maximum(t - one, 0) / 0.22) * (1 - np.exp(-np.maximum(t - one, 0) / 0.04))
    return wave + (80 if how == "beats" else 30 + 50 * np.exp(-np.maximum(t - FLAT_S, 0) / 2.0))


def coded(wave: np.ndarray, gain: float) -> np.ndarray:
    return np.round(gain * wave).astype(np.int16)


def messages(groups: Groups, every_s: float = 1.0) -> list[Message]:
    seconds = groups[0].samples.shape[1] / float(groups[0].layout.fs_hz)
    edges = np.append(np.arange(0, seconds - 1e-9, every_s), seconds)
    sent = []
    for n, (start, stop) in enumerate(zip(edges, edges[1:], strict=False)):
        parts = (
            ChannelGroup(
                g.layout, g.samples[:, round(start * float(g.layout.fs_hz)) : round(stop * float(g.layout.fs_hz))]
            )
            for g in groups
        )
        content_type, payload = encode(encode_chunk(Chunk("bed", n, START_NS + round(start * 1e9), tuple(parts))))
        arrived_ns = START_NS + round(stop * 1e9)
        sent.append(Message(payload, content_type, arrived_ns, Position(0, n, arrived_ns, 0)))
    return sent


def alerts(groups: Groups, every_s: float = 1.0, per_pass: int = 1) -> list[pb.Alert]:
    pipeline = Pipeline(SETTINGS, None, Metrics(), ManualClock(START_NS))
    sent = messages(groups, every_s)
    out = [o for k in range(0, len(sent), per_pass) for o in pipeline.process(sent[k : k + per_pass])]
    assert not pipeline.refused
    return [decode(o.payload, o.content_type) for o in out if o.name == "alert"]


def first(told: list[pb.Alert], condition: str) -> pb.Alert | None:
    return next((alert for alert in told if alert.condition == condition and alert.update == 0), None)


#    pleth    pressure    asystole
TABLE = [
    ("", "", True),
    ("beats", "", False),
    ("", "beats", False),
    ("beats", "beats", False),
    ("stops", "", True),
    ("", "stops", True),
    ("stops", "stops", True),
    ("", "falls", True),
    ("beats", "falls", True),  # motion of the finger does not outvote the pressure
    ("stops", "beats", True),  # in doubt the alarm
]


@pytest.mark.parametrize(("pleth", "abp", "is_asystole"), TABLE)
def test_a_flat_line_beside_pleth_and_pressure(pleth, abp, is_asystole):
    told = alerts(patient(pleth, abp))
    asystole, leads_off = first(told, "asystole"), first(told, "leads_off")
    if is_asystole:
        assert asystole.text == FLAT_LINE and leads_off is None
        assert asystole.decided_sample / 250 - FLAT_S < 10.0
    else:
        assert asystole is None
        assert leads_off.text == PULSE_BESIDE and leads_off.priority == pb.Alert.MEDIUM
        assert leads_off.decided_sample / 250 - FLAT_S < 6.0


@pytest.mark.parametrize(("every_s", "per_pass"), [(0.2, 1), (0.6, 3), (2.4, 1), (3.0, 9)])
@pytest.mark.parametrize(("pleth", "abp"), [("beats", ""), ("stops", "stops"), ("beats", "falls")])
def test_how_messages_are_cut_does_not_matter(every_s, per_pass, pleth, abp):
    wanted, found = (
        [(a.alert_id, a.update, a.decided_sample, a.text) for a in alerts(patient(pleth, abp), *how)]
        for how in ((1.0, 1), (every_s, per_pass))
    )
    assert found == wanted


@pytest.mark.parametrize("crash_at", [FLAT_S + 1, FLAT_S + 3, FLAT_S + 5, FLAT_S + 12])
@pytest.mark.parametrize(("pleth", "abp"), [("beats", ""), ("stops", "falls")])
def test_it_goes_on_in_another_daemon(crash_at, pleth, abp):
    worlds = [World(messages(patient(pleth, abp))) for _ in range(2)]
    Node(worlds[0], SETTINGS).run(per_pass=1)
    with pytest.raises(Crash):
        Node(worlds[1], SETTINGS).run(per_pass=1, crash_at=crash_at, stage=3)
    Node(worlds[1], SETTINGS).run(per_pass=1)
    undisturbed, moved = ({(a.alert_id, a.update, a.text) for a in world.alerts} for world in worlds)
    assert moved == undisturbed


def test_nobody_is_asked_while_a_lead_goes_on(monkeypatch):
    asked = []
    monkeypatch.setattr("ecgstream.neighbours.find_pulses", lambda *a: asked.append(a))
    whole = patient("beats")
    beating = np.tile(whole[0].samples[:, : FLAT_S * 250], 2)
    assert not first(alerts((ChannelGroup(whole[0].layout, beating), whole[1])), "asystole")
    assert not asked


def with_flat_ecg(path: Path, flat_s: float = 20.0) -> Groups:
    """The last minute of a recording whose ECG becomes a constant for the last ``flat_s``."""
    groups = []
    for group in read_groups(path):
        samples = group.samples[:, -round(60 * float(group.layout.fs_hz)) :].copy()
        if group.layout.kind == GroupKind.ECG:
            stop = samples.shape[1] - round(flat_s * float(group.layout.fs_hz))
            samples[:, stop:] = samples[:, stop - 1 : stop]
        groups.append(ChannelGroup(group.layout, samples))
    return tuple(groups)


#    record    flat for (s)   told         : true asystole, and a false alarm with steady pulses
REAL = [("a142s", 9.0, "asystole"), ("a385l", 9.0, "asystole"), ("a225l", 20.0, "leads_off")]


@pytest.mark.recordings
@pytest.mark.parametrize(("name", "flat_s", "condition"), REAL)
def test_real_pulses_beside_a_flat_line(recordings, name, flat_s, condition):
    told = alerts(with_flat_ecg(recordings / "cinc2015" / name, flat_s))
    text = {"asystole": FLAT_LINE, "leads_off": PULSE_BESIDE}
    assert first(told, condition).text == text.pop(condition)
    assert all(first(told, other) is None for other in text)


@pytest.mark.recordings
def test_no_pulse_is_seen_in_a_true_asystole(recordings):
    folder = recordings / "cinc2015"
    true = [one.name for one in read_alarms(folder) if one.kind == "asystole" and one.is_true]
    for name in true:
        groups = {group.layout.kind: group for group in read_groups(folder / name)}
        shown = [ends_with_pulse(groups[kind]) for kind in (GroupKind.PLETH, GroupKind.ABP) if kind in groups]
        assert shown and not all(shown), name


def ends_with_pulse(group: ChannelGroup) -> bool:
    """Whether the last ten seconds, but for what may lag behind, show a pulse."""
    fs_hz, channel, is_pressure = (
        float(group.layout.fs_hz),
        group.layout.channels[0],
        group.layout.kind == GroupKind.ABP,
    )
    raw = group.samples[0, -round((STRETCH_S + BEHIND_S) * fs_hz) : -round(BEHIND_S * fs_hz)]
    wave = (raw - float(channel.baseline)) / channel.gain
    return shows_pulse(find_pulses(wave, raw >= CODE_LIMIT, fs_hz, is_pressure), is_pressure)
