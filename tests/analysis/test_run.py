"""A whole recording at once gives what the daemon's pipeline gives, chunk by chunk: beats, alarms, scores."""

from __future__ import annotations

import threading
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from ecgstream.analysis import Feed, Findings, analyse
from ecgstream.clock import ManualClock
from ecgstream.diagnosis.loader import load_model
from ecgstream.metrics import Metrics
from ecgstream.observed import Step
from ecgstream.pipeline import Pipeline
from ecgstream.recorded import RecordedChannel, RecordedSignal, read_recording
from ecgstream.settings import Settings
from ecgstream.sources.message import Message
from ecgstream.waveform import AlarmUpdate
from ecgstream.wire.codec import encode, encode_chunk

from ..feed import SECONDS, signal


def by_messages(feed: Feed, rules_only: bool = False) -> list[Step]:
    """As the daemon takes it: encoded chunks of a second."""
    steps: list[Step] = []
    settings = Settings(diagnosis={"enabled": not rules_only})
    model = None if rules_only else load_model(None, "cpu")
    pipeline = Pipeline(settings, model, Metrics(), ManualClock(), steps.append)
    for chunk in feed.chunks(1.0):
        content_type, payload = encode(encode_chunk(chunk))
        pipeline.process([Message(payload, content_type, chunk.start_ns)])
    return steps


def assert_equal(found: Findings, steps: list[Step]) -> None:
    """Beats, classes, rates, evidence and alarms exactly; scores within 1e-4."""
    hops, seconds, beats = len(found.hr_bpm), len(found.scores), len(found.beat)
    assert beats > 0
    np.testing.assert_array_equal(found.beat, np.concatenate([step.beats.sample for step in steps])[:beats])
    np.testing.assert_array_equal(found.label, np.concatenate([step.beats.label for step in steps])[:beats])
    np.testing.assert_array_equal(found.hr_bpm, np.concatenate([step.rhythm.hr_bpm[0] for step in steps])[:hops])
    np.testing.assert_array_equal(found.evidence, np.concatenate([step.evidence[0] for step in steps])[:hops])
    scores = np.concatenate([step.scores.values[0] for step in steps])[4::5][:seconds]
    np.testing.assert_allclose(found.scores, scores, atol=1e-4)
    strips = np.concatenate([step.strips.values[0] for step in steps])[4::5][:seconds]
    np.testing.assert_array_equal(found.strips, strips)
    end = hops * 50
    told = [update for step in steps for update in step.updates]
    assert _told(found.updates, end) == _told(told, end)


def _told(updates: list[AlarmUpdate], end: int) -> list[AlarmUpdate]:
    """Rows are numbered by who came first."""
    return [replace(update, row=0) for update in updates if update.decided <= end]


def made_up(name: str, seed: int, leads: tuple[str, ...] = ("I", "II", "V1"), fs: int = 250) -> Feed:
    channels = tuple(RecordedChannel(lead, "mV", 200.0) for lead in leads)
    return Feed(name, RecordedSignal(name, Fraction(fs), channels, np.tile(signal(fs, len(leads), seed), 3)))


def run(*feeds: Feed, rules_only: bool = False) -> dict[str, Findings]:
    settings = Settings(diagnosis={"enabled": not rules_only})
    model = None if rules_only else load_model(None, "cpu")
    return {found.name: found for found in analyse(feeds, settings, model, lambda _: None)}


def test_one_recording_gives_what_its_messages_give():
    feed = made_up("a", 1)
    assert_equal(run(feed)["a"], by_messages(feed))


def test_neighbours_of_other_rates_leads_and_lengths_change_nothing():
    feeds = [made_up("a", 1), made_up("b", 2, ("II",), 360), made_up("c", 3, fs=500)]
    shorter = replace(feeds[0].recording, name="d", samples=feeds[0].recording.samples[:, 100:9_001])
    found = run(*feeds, Feed("d", shorter), rules_only=True)
    for feed in (*feeds, Feed("d", shorter)):
        assert_equal(found[feed.stream_id], by_messages(feed, rules_only=True))


def test_missing_samples_are_missing_here_too():
    feed = made_up("a", 1)
    feed.recording.samples[:, 2_000:3_100] = -32_768
    feed.recording.samples[1, 9_000:9_500] = -32_768
    found = run(feed, rules_only=True)["a"]
    assert_equal(found, by_messages(feed, rules_only=True))
    assert (found.reason > 0).any()


def test_ending_early_ends_the_groups_that_run():
    """A closed analysis leaves no thread at work on what nobody waits for."""
    feeds = [made_up(str(k), k) for k in range(4)]
    findings = analyse(feeds, Settings(diagnosis={"enabled": False}), None, lambda _: None)
    next(findings)
    findings.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith(("group", "encoder"))]


def test_progress_is_told_up_to_the_end():
    told: list[float] = []
    list(analyse([made_up("a", 1)], Settings(diagnosis={"enabled": False}), None, told.append))
    assert sum(told) >= 3 * SECONDS


@pytest.mark.recordings
@pytest.mark.parametrize("name", ["mitdb/207", "ludb/12"])
def test_recordings_give_what_their_messages_give(recordings: Path, name: str):
    recording = read_recording(recordings / name).stretch(0, 180)
    feed = Feed("r", recording)
    assert_equal(run(feed)["r"], by_messages(feed))
