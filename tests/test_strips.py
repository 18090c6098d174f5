"""The strip from the arena into the alert's message, through the whole pipeline."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from ecgstream.alert_strips.message import strip_message
from ecgstream.clock import ManualClock
from ecgstream.intake import Intake
from ecgstream.metrics import Metrics
from ecgstream.pipeline import Pipeline
from ecgstream.settings import IntakeSettings, Settings
from ecgstream.upkeep import apply_order
from ecgstream.waveform import (
    GRID_HZ,
    AlarmUpdate,
    Channel,
    ChannelGroup,
    Chunk,
    Condition,
    GroupKind,
    Layout,
    Priority,
    SampleRange,
    Strip,
)
from ecgstream.wire import ecgstream_pb2 as pb

from .feed import SECONDS, START_NS, Bed, signal

RULES = Settings(diagnosis={"enabled": False})


def alerts_of(out) -> list[pb.Alert]:
    return [pb.Alert.FromString(outgoing.payload) for outgoing in out if outgoing.name == "alert"]


def play(bed: Bed, settings: Settings = RULES) -> tuple[Pipeline, list[pb.Alert]]:
    pipeline = Pipeline(settings, None, Metrics(), ManualClock(START_NS))
    told = []
    for _, message in bed.messages():
        told += alerts_of(pipeline.process([message]))
    return pipeline, told


def raw(strip: pb.Strip) -> np.ndarray:
    return np.frombuffer(strip.samples, "<i2").reshape(len(strip.layout.channels), -1)


@pytest.mark.parametrize("fs", [250, 360, 500])
def test_an_alert_leaves_with_the_samples_to_its_decision_and_one_update_completes_the_20_s(fs):
    names = ("I", "II", "V1")
    _, told = play(Bed("bed", fs, names, cuts=tuple(range(fs, SECONDS * fs, fs))))
    samples = signal(fs, 3, 0)
    asystole = [alert for alert in told if alert.condition == "asystole"]
    first, complete = (
        next(a for a in asystole if a.HasField("strip") and a.strip.complete is whole) for whole in (False, True)
    )
    assert first.update == 0 and first.state == pb.Alert.ACTIVE and first.alert_id == complete.alert_id
    assert sum(alert.HasField("strip") for alert in asystole if alert.alert_id == first.alert_id) == 2
    for alert, stop in ((first, first.decided_sample), (complete, first.onset_sample + 10 * GRID_HZ)):
        strip = alert.strip
        assert strip.start_sample == max(0, first.onset_sample - 10 * GRID_HZ)
        a, b = (-(-sample * fs // GRID_HZ) for sample in (strip.start_sample, stop))
        got = raw(strip)
        assert abs(got.shape[1] - (b - a)) <= 1 and np.array_equal(got, samples[:, a : a + got.shape[1]])
        assert abs(strip.onset / fs - (first.onset_sample - strip.start_sample) / GRID_HZ) <= 1 / fs
        assert strip.layout.fs_numerator == fs and [channel.name for channel in strip.layout.channels] == list(names)
        assert {(c.unit, c.gain, c.baseline, c.invalid_value) for c in strip.layout.channels} == {
            ("mV", 200, 0, -32768)
        }
        assert abs(strip.start_time_ns - START_NS - strip.start_sample * 4_000_000) < 5_000_000


def test_a_new_patient_gets_nothing_of_his_into_the_strips_of_the_last():
    bed = Bed("bed", cuts=tuple(range(250, SECONDS * 250, 250)))
    pipeline = Pipeline(RULES, None, Metrics(), ManualClock(START_NS))
    told = []
    for _, message in bed.messages():
        told += alerts_of(pipeline.process([message]))
        if any(alert.condition == "asystole" for alert in told):
            break
    at = told[-1].decided_sample
    order = pb.Control(version=1, stream_id="bed", actor="a", association=pb.Association(patient_reference="next"))
    _, out = apply_order(pipeline, order)
    completed = [alert for alert in alerts_of(out) if alert.HasField("strip")]
    assert completed and all(alert.strip.complete and alert.state == pb.Alert.ENDED for alert in completed)
    for alert in completed:
        assert at <= alert.strip.start_sample + raw(alert.strip).shape[1] <= at + GRID_HZ


def test_however_much_comes_in_one_pass_every_strip_is_told():
    _, told = play(Bed("bed", cuts=tuple(range(250, SECONDS * 250, 250))))
    settings = Settings(diagnosis={"enabled": False}, intake={"ring_s": 60})
    pipeline = Pipeline(settings, None, Metrics(), ManualClock(START_NS))
    burst = alerts_of(pipeline.process([Bed("bed").messages()[0][1]]))
    assert sum(a.HasField("strip") for a in burst) > 1
    for a, b in zip(burst, told, strict=True):
        assert (a.alert_id, a.update, a.strip.samples) == (b.alert_id, b.update, b.strip.samples)


# ------------------------------------------------------------------------------------------------ the message by itself


def message_of(fs: Fraction, chunks: list[ChannelGroup], strip: Strip, onset: int) -> pb.Strip:
    intake = Intake(IntakeSettings())
    for k, group in enumerate(chunks):
        intake.accept(Chunk("bed", k, START_NS + k * 10**9, (group,)), START_NS)
        while intake.take(25):
            pass
    update = AlarmUpdate(
        0, Condition.PAUSE, "id", 0, "active", Priority.MEDIUM, onset, strip.stop, "rules", strip=strip
    )
    return strip_message(intake, update)


def layout(fs: Fraction, channels: tuple[Channel, ...]) -> Layout:
    return Layout(GroupKind.ECG, fs, channels, tuple(range(len(channels))))


def test_leads_without_a_valid_sample_are_left_out_and_what_is_invalid_has_one_value():
    channels = (Channel(1, "I", "mV", 100.0, 3, -999), Channel(2, "II", "mV", 200.0, 0), Channel(3, "V1", "mV", 1.0, 0))
    of, ramp = layout(Fraction(250), channels), np.arange(250, dtype=np.int16)
    samples = np.stack([np.where(ramp == 7, -999, ramp), ramp, ramp]).astype(np.int16)
    off = (SampleRange(0, 250, 1), SampleRange(20, 30, 2))
    chunks = [ChannelGroup(of, samples, off)] * 3
    strip = message_of(Fraction(250), chunks, Strip(250, 500, 500, False), 300)
    assert [(c.name, c.gain, c.baseline, c.mdc_code) for c in strip.layout.channels] == [
        ("I", 100, 3, 1),
        ("V1", 1, 0, 3),
    ]
    expected = np.stack([np.where(ramp == 7, -32768, ramp), np.where((ramp >= 20) & (ramp < 30), -32768, ramp)])
    assert np.array_equal(raw(strip), expected) and strip.onset == 50


@pytest.mark.parametrize("fs", [1000, 2000])
def test_fast_leads_are_thinned_to_500_hz_always_the_same_samples(fs):
    of = layout(Fraction(fs), (Channel(1, "I", "mV", 100.0, 0),))
    count = np.arange(3 * fs, dtype=np.int16)
    chunks = [ChannelGroup(of, count[None, k * fs : (k + 1) * fs]) for k in range(3)]
    for start in (0, 251, 333):
        strip = message_of(Fraction(fs), chunks, Strip(start, 600, 600, False), 400)
        assert Fraction(strip.layout.fs_numerator, strip.layout.fs_denominator) == 500
        assert (raw(strip) % (fs // 500) == 0).all() and (np.diff(raw(strip)) == fs // 500).all()
        assert abs(raw(strip)[0, 0] / fs - start / 250) < 1 / 250


def test_an_onset_before_the_strip_is_not_in_it_and_nothing_left_of_the_signal_gives_no_leads():
    of = layout(Fraction(250), (Channel(1, "I", "mV", 100.0, 0),))
    chunks = [ChannelGroup(of, np.ones((1, 250), np.int16))] * 2
    late = message_of(Fraction(250), chunks, Strip(250, 500, 500, True), 100)
    assert not late.HasField("onset") and late.complete
    intake = Intake(IntakeSettings())
    row = intake.restore("bed", _saved())
    update = AlarmUpdate(
        row, Condition.PAUSE, "id", 1, "ended", Priority.MEDIUM, 0, 500, "rules", strip=Strip(0, 500, 100, True)
    )
    nothing = strip_message(intake, update)
    assert nothing.complete and not nothing.samples and not nothing.layout.channels


def _saved() -> dict:
    of = layout(Fraction(250), (Channel(1, "I", "mV", 100.0, 0),))
    intake = Intake(IntakeSettings())
    intake.accept(Chunk("bed", 0, START_NS, (ChannelGroup(of, np.ones((1, 250), np.int16)),)), START_NS)
    return intake.save(0)
