"""Invariants 1 to 5 of the design, through the whole pipeline: however cut, batched or paced, the same comes out."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecgstream.clock import ManualClock
from ecgstream.diagnosis.loader import load_model
from ecgstream.metrics import Metrics
from ecgstream.pipeline import Pipeline, Step
from ecgstream.settings import Settings
from ecgstream.wire import ecgstream_pb2 as pb

from .feed import SECONDS, START_NS, Bed

SCORE_TOLERANCE = 1e-4
PROPERTY = {"deadline": None, "suppress_health_check": list(HealthCheck)}


@cache
def model():
    return load_model(None, "cpu")


@dataclass
class Outcome:
    """Everything a bed was told, in comparable form."""

    beats: list[tuple[int, bool]] = field(default_factory=list)
    alerts: list[tuple] = field(default_factory=list)
    scores: dict[int, np.ndarray] = field(default_factory=dict)
    pvc_per_min: list[float] = field(default_factory=list)
    reasons: dict[int, int] = field(default_factory=dict)
    valid: dict[int, bool] = field(default_factory=dict)
    strips: dict[tuple[str, int], pb.Strip] = field(default_factory=dict)  # of rule alarms


def play(beds: list[Bed], per_pass: int = 10_000) -> dict[str, Outcome]:
    """Run the beds' messages, in order of time, ``per_pass`` at a time."""
    outcomes = {bed.stream_id: Outcome() for bed in beds}

    def look(step: Step) -> None:
        for i, row in enumerate(step.conditioned.rows.tolist()):
            outcome = outcomes[pipeline.intake.stream_id(row)]
            mine = step.rhythm.beats.row == row
            outcome.beats += zip(
                step.rhythm.beats.sample[mine].tolist(), step.rhythm.beats.ventricular[mine].tolist(), strict=True
            )
            outcome.pvc_per_min += step.rhythm.pvc_per_min[i].tolist()
            for k in range(step.conditioned.n_hops):
                hop = int(step.conditioned.first_hop[i]) + k
                outcome.scores[hop] = step.scores.values[i, k]
                outcome.reasons[hop] = int(step.scores.reason[i, k])
                outcome.valid[hop] = bool(step.conditioned.valid[i, :, k * 50 : k * 50 + 50].any())
            outcome.alerts += [
                (u.alert_id, u.update, u.condition.name, u.state, u.onset, u.decided)
                for u in step.updates
                if u.row == row and u.source != "model"
            ]

    settings_ = Settings(intake={"ring_s": 60.0})
    pipeline = Pipeline(settings_, model(), Metrics(), ManualClock(START_NS), observer=look)
    timed = sorted(((t, n, m) for n, bed in enumerate(beds) for t, m in bed.messages()), key=lambda item: item[:2])
    messages = [message for _, _, message in timed]
    for at in range(0, len(messages), per_pass):
        for outgoing in pipeline.process(messages[at : at + per_pass]):
            if outgoing.name == "alert":
                alert = pb.Alert.FromString(outgoing.payload)
                if alert.HasField("strip") and alert.source != "model":
                    alert.strip.ClearField("start_time_ns")  # UTC is a fit that goes on being refined
                    outcomes[alert.stream_id].strips[alert.alert_id, alert.update] = alert.strip
    return outcomes


def assert_equal(a: Outcome, b: Outcome) -> None:
    """Beats and rule alarms exactly, scores to 1e-4."""
    assert a.beats == b.beats
    assert a.alerts == b.alerts
    assert a.strips == b.strips
    assert a.reasons == b.reasons
    np.testing.assert_array_equal(a.pvc_per_min, b.pvc_per_min)
    for hop, score in a.scores.items():
        np.testing.assert_allclose(score, b.scores[hop], atol=SCORE_TOLERANCE, equal_nan=True)


@cache
def whole(fs: int, names: tuple[str, ...] = ("I", "II", "V1"), seed: int = 0) -> Outcome:
    return play([Bed("bed", fs, names, seed)])["bed"]


def cuts(fs: int) -> st.SearchStrategy[tuple[int, ...]]:
    return st.lists(st.integers(1, SECONDS * fs - 1), min_size=2, max_size=60).map(tuple)


def test_the_made_up_rhythm_is_worth_comparing():
    outcome = whole(250)
    assert len(outcome.beats) > 12
    assert {"ASYSTOLE"} <= {alert[2] for alert in outcome.alerts}
    assert sum(reason == 0 for reason in outcome.reasons.values()) > 20
    assert {strip.complete for strip in outcome.strips.values()} == {True, False}


@pytest.mark.parametrize("fs", [250, 360, 500])
@settings(max_examples=70, **PROPERTY)
@given(data=st.data())
def test_1_framing_does_not_matter(fs: int, data: st.DataObject):
    bed = Bed("bed", fs, cuts=data.draw(cuts(fs)))
    assert_equal(play([bed])["bed"], whole(fs))


@settings(max_examples=25, **PROPERTY)
@given(cut=cuts(250), per_pass=st.integers(1, 12))
def test_2_streaming_equals_offline(cut: tuple[int, ...], per_pass: int):
    assert_equal(play([Bed("bed", cuts=cut)], per_pass)["bed"], whole(250))


@settings(max_examples=15, **PROPERTY)
@given(
    cut=cuts(250),
    others=st.lists(st.tuples(st.sampled_from([250, 500]), st.integers(1, 99), st.integers(1, 3)), max_size=6),
    per_pass=st.integers(1, 40),
)
def test_3_neighbours_do_not_matter(cut, others, per_pass):
    neighbours = [Bed(f"n{i}", fs, ("I", "II", "V5")[:n], seed) for i, (fs, seed, n) in enumerate(others)]
    assert_equal(play([*neighbours, Bed("bed", cuts=cut)], per_pass)["bed"], whole(250))


@settings(max_examples=20, **PROPERTY)
@given(per_pass=st.integers(1, 30))
def test_4_speed_does_not_matter(per_pass: int):
    """Pacing shows only in how many messages a pass finds."""
    second = tuple(range(250, SECONDS * 250, 250))
    assert_equal(play([Bed("bed", cuts=second)], per_pass)["bed"], whole(250))


@settings(max_examples=30, **PROPERTY)
@given(start=st.integers(250, 12 * 250), length=st.integers(1, 8 * 250))
def test_5_no_hidden_gap(start: int, length: int):
    """Hops without samples say so, hold no beat, and the encoder withholds its scores."""
    outcome = play([Bed("bed", cuts=tuple(range(250, SECONDS * 250, 250)), missing=((start, start + length),))])["bed"]
    inside = [hop for hop in outcome.valid if hop * 50 >= start and hop * 50 + 50 <= start + length]
    assert all(not outcome.valid[hop] for hop in inside)
    assert not any(start + 40 <= sample < start + length - 40 for sample, _ in outcome.beats)
    if length >= 250:
        assert all(outcome.reasons[hop] != 0 for hop in inside[1:])
