"""Pulses are found where they are, at any rate; what cannot be one, or lies beside a gap, is not believed."""

from pathlib import Path

import numpy as np
import pytest

from ecgstream.evaluation.alarm_records import read_groups
from ecgstream.evaluation.records import read_record
from ecgstream.evaluation.runner import run_rules
from ecgstream.pulse import Pulses, find_pulses
from ecgstream.waveform import CODE_LIMIT, GRID_HZ, GroupKind

SECONDS = 25


def wave(at_s: np.ndarray, fs_hz: float, height: float = 40.0, foot: float = 70.0, noise: float = 0.3) -> np.ndarray:
    """Pressure with a pulse at each time: a fast rise, a slow fall, a second hump."""
    t = np.arange(round(SECONDS * fs_hz)) / fs_hz
    made = np.full(len(t), foot)
    for at in at_s:
        since = np.maximum(t - at, 0.0)
        made += height * (1 - np.exp(-since / 0.04)) * np.exp(-since / 0.22) * (t > at) * 1.6
        made += 0.15 * height * np.exp(-(((t - at - 0.35) / 0.05) ** 2))
    return made + noise * np.random.default_rng(1).standard_normal(len(t))


def f1(found_s: np.ndarray, wanted_s: np.ndarray, within_s: float) -> float:
    """Of times matched one to one, after the median lag is taken off."""
    later = np.array([found_s[found_s > at - 0.15][0] - at for at in wanted_s if (found_s > at - 0.15).any()])
    shifted = wanted_s + np.median(later)
    hits = sum(np.abs(found_s - at).min() <= within_s for at in shifted)
    return 2 * hits / (len(found_s) + len(wanted_s))


@pytest.mark.parametrize("fs_hz", [62.5, 125.0, 250.0, 500.0])
@pytest.mark.parametrize("interval_s", [0.42, 0.8, 1.6])
@pytest.mark.parametrize("is_pressure", [True, False])
def test_every_pulse_is_found_at_its_onset(fs_hz, interval_s, is_pressure):
    at_s = np.arange(0.6, SECONDS - 1, interval_s)
    made = wave(at_s, fs_hz)
    found = find_pulses(made, np.ones(len(made), bool), fs_hz, is_pressure)
    believed = found.time_s[found.good]
    assert f1(believed, at_s, 0.08) > 0.95
    assert found.quality > 0.85
    if is_pressure:
        assert np.abs(believed - at_s[np.abs(at_s[:, None] - believed).argmin(0)]).max() < 0.06


def test_a_pause_between_pulses_stays_empty():
    at_s = np.concatenate([np.arange(0.6, 10, 0.8), np.arange(16.0, 24, 0.8)])
    made = wave(at_s, 125.0)
    found = find_pulses(made, np.ones(len(made), bool), 125.0, True)
    believed = found.time_s[found.good]
    assert not ((believed > 10.6) & (believed < 15.8)).any()
    assert len(believed) >= len(at_s) - 2


def test_pulses_beside_a_gap_are_not_believed():
    at_s = np.arange(0.6, SECONDS - 1, 0.8)
    made, valid = wave(at_s, 125.0), np.ones(SECONDS * 125, bool)
    valid[10 * 125 : 12 * 125] = False
    made[~valid] = -400.0
    found = find_pulses(made, valid, 125.0, True)
    beside = (found.time_s > 9.3) & (found.time_s < 12.0)
    assert not found.good[beside].any() and found.good[~beside].mean() > 0.9
    assert np.isnan(found.wave[~valid]).all()


@pytest.mark.parametrize(
    ("foot", "height"), [(70.0, 3.0), (-20.0, 40.0), (260.0, 90.0)], ids=["weak", "below zero", "too high"]
)
def test_pressures_no_body_has_are_not_believed(foot, height):
    made = wave(np.arange(0.6, SECONDS - 1, 0.8), 125.0, height, foot, noise=0.05)
    assert not find_pulses(made, np.ones(len(made), bool), 125.0, True).good.any()


def test_a_flat_or_mostly_missing_wave_has_none():
    flat, none = np.full(3000, 6.8), np.zeros(3000, bool)
    assert not len(find_pulses(flat, ~none, 125.0, True).time_s)
    assert not len(find_pulses(flat, ~none, 125.0, False).time_s)
    assert not len(find_pulses(flat, none, 125.0, False).time_s)


@pytest.mark.recordings
@pytest.mark.parametrize(
    ("name", "kind"),
    [("a556s", GroupKind.ABP), ("v811l", GroupKind.ABP), ("v153l", GroupKind.PLETH), ("v111l", GroupKind.PLETH)],
)
def test_pulses_of_clean_recordings_follow_the_beats(recordings: Path, name, kind):
    path = recordings / "cinc2015" / name
    beats = run_rules(read_record(path)).beats.sample / GRID_HZ
    found, seconds = _of_last(path, kind)
    mine = beats[beats > seconds - SECONDS] - (seconds - SECONDS)
    assert len(mine) > 20
    assert f1(found.time_s, mine[mine < SECONDS - 0.8], 0.1) > 0.9
    assert found.quality > 0.8


def _of_last(path: Path, kind: GroupKind) -> tuple[Pulses, float]:
    """Pulses of the last seconds of a record, and how long it is."""
    group = next(group for group in read_groups(path) if group.layout.kind == kind)
    fs_hz, channel = float(group.layout.fs_hz), group.layout.channels[0]
    raw = group.samples[0, -round(SECONDS * fs_hz) :]
    made = (raw - float(channel.baseline)) / channel.gain
    found = find_pulses(made, raw >= CODE_LIMIT, fs_hz, kind == GroupKind.ABP)
    return found, group.samples.shape[1] / fs_hz
