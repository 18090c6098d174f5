"""Pace pulses are held at the level before them, found or marked; hearts are left as they are."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import wfdb
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgstream.conditioning import Conditioner, condition_record
from ecgstream.conditioning.design import design_resampler
from ecgstream.conditioning.pacing import PACE_LATE, PACED_FROM_HZ, hold_pacing, is_calm, pacing_samples
from ecgstream.conditioning.record import record_block
from ecgstream.rhythm import Rhythm
from ecgstream.waveform import CODE_MISSING, Condition, history_samples

STEP_MV = 0.005
"""mV per adu."""
UNMARKED = np.zeros(0, bool)


def seconds(duration_s: float, fs_hz: int) -> np.ndarray:
    return np.arange(round(duration_s * fs_hz)) / fs_hz


def noise(t_s: np.ndarray, rms_mv: float = 0.01) -> np.ndarray:
    return np.random.default_rng(0).normal(0, rms_mv, len(t_s))


def qrs(t_s: np.ndarray, at_s, height_mv: float = 1.0, width_s: float = 0.012) -> np.ndarray:
    return sum(height_mv * np.exp(-0.5 * ((t_s - at) / width_s) ** 2) for at in at_s)


def pulses(t_s: np.ndarray, at_s, size_mv: float, width_s: float = 0.002) -> np.ndarray:
    """Rectangles as a sampler sees them that averages over its interval."""
    fs_hz = round(1 / t_s[1])
    fine = np.repeat(t_s, 16) + np.tile(np.arange(16), len(t_s)) / (16 * fs_hz)
    on = sum((fine >= at) & (fine < at + width_s) for at in at_s)
    return size_mv * on.reshape(-1, 16).mean(1)


def conditioned(mv: np.ndarray, fs_hz: int, marked: np.ndarray | None = None):
    adu = np.round(mv / STEP_MV).astype(np.int16)[None]
    block = record_block(adu, Fraction(fs_hz), [1], [STEP_MV], [0])
    if marked is not None:
        block = replace(block, pacer=np.concatenate([np.zeros(block.history, bool), marked])[None])
    return Conditioner(50, 1).step(block)


def held(mv: np.ndarray, fs_hz: int, raw: np.ndarray | None = None, marked: np.ndarray = UNMARKED) -> np.ndarray:
    out = np.empty(len(mv))
    raw = np.zeros(len(mv), np.int16) if raw is None else raw
    hold_pacing(np.asarray(mv, np.float64), raw, marked, pacing_samples(fs_hz), out, np.zeros(len(mv), bool))
    return out


@settings(deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([5e-4, -5e-3, 4.9e-3, 0.3, 0.6, 0.0]), st.sampled_from([0.0, -2e4, 2e9]))
def test_nothing_is_held_in_a_trace_that_is_calm(seed: int, mv_per_adu: float, baseline: float):
    rng, spans = np.random.default_rng(seed), pacing_samples(500)
    raw = np.full(60, int(rng.integers(-20000, 20000)))
    raw[30:] += int(rng.integers(-2, 3)) + round(0.5 / mv_per_adu if mv_per_adu else 0)  # about as steep as a pulse is
    mv = (raw - baseline) * mv_per_adu
    changed = held(mv, 500, raw.astype(np.int16)) != mv
    assert not (is_calm(raw.astype(np.int16), mv_per_adu, baseline, spans[0]) and changed.any())


def test_what_rises_by_less_than_a_pulse_is_calm_and_a_pulse_is_not():
    spans, raw = pacing_samples(500), np.zeros(60, np.int16)
    assert is_calm(raw, STEP_MV, 0.0, spans[0])
    raw[30:] = 98
    assert is_calm(raw, STEP_MV, 0.0, spans[0])
    raw[30:] = 100
    assert not is_calm(raw, STEP_MV, 0.0, spans[0])


@pytest.mark.parametrize("fs_hz", [250, 360, 500, 1000])
@pytest.mark.parametrize("size_mv", [-20.0, -8.0, 8.0, 60.0])
def test_a_pulse_leaves_next_to_nothing(fs_hz, size_mv):
    t_s = seconds(4, fs_hz)
    ecg = conditioned(noise(t_s) + pulses(t_s, np.arange(1.0005, 4, 0.857), size_mv), fs_hz).ecg_mv[0, 1]
    assert np.abs(ecg[250:]).max() < 0.2


def test_a_pulse_would_show_if_it_were_not_held_and_does_on_a_slow_monitor():
    fs_hz = PACED_FROM_HZ - 10
    t_s = seconds(4, fs_hz)
    ecg = conditioned(noise(t_s) + pulses(t_s, np.arange(1.0005, 4, 0.857), 4.0), fs_hz).ecg_mv[0, 1]
    assert np.abs(ecg[250:]).max() > 0.4


def test_asystole_under_pacing_that_does_not_capture_is_told_and_captured_beats_are_found():
    t_s = seconds(31, 500)
    at_s = np.arange(1, 31, 0.8)
    captured = at_s[at_s < 22]
    mv = pulses(t_s, at_s, 8.0) + qrs(t_s, captured + 0.06, 1.2, 0.025) - qrs(t_s, captured + 0.3, 0.3, 0.05)
    result = Rhythm(1).step(conditioned(mv + noise(t_s), 500))
    beats_s = result.beats.sample / 250
    assert all(np.abs(beats_s - at).min() < 0.08 for at in captured[3:] + 0.06)
    assert (beats_s < 22.5).all()
    assert result.evidence[0, 5 * 27 : -5, Condition.ASYSTOLE].all()


@pytest.mark.parametrize("fs_hz", [250, 360, 500, 1000])
@pytest.mark.parametrize("width_s", [0.006, 0.01, 0.02])
def test_a_heart_is_left_as_it_is(fs_hz, width_s):
    t_s = seconds(4, fs_hz)
    mv = qrs(t_s, np.arange(0.5, 4, 0.613), 3.0, width_s) + noise(t_s, 0.02)
    np.testing.assert_array_equal(held(mv, fs_hz), mv)


def test_a_step_comes_eight_milliseconds_late_and_nothing_else():
    mv = np.repeat([0.0, 3.0], 50)
    np.testing.assert_array_equal(held(mv, 250), np.repeat([0.0, 3.0], [52, 48]))


@pytest.mark.parametrize("fs_hz", [250, 360, 500, 1000])
def test_a_pulse_is_told_where_it_is_and_a_step_is_not(fs_hz):
    t_s = seconds(6, fs_hz)
    at_s = np.arange(1.0005, 5, 0.857)
    pace = conditioned(noise(t_s) + pulses(t_s, at_s, 8.0) + 3.0 * (t_s > 5.5), fs_hz).pace[0]
    told_s = (np.flatnonzero(pace) - PACE_LATE) / 250
    assert len(told_s) >= len(at_s)
    assert np.abs(told_s[:, None] - at_s).min(1).max() <= 0.008
    assert np.abs(told_s[:, None] - at_s).min(0).max() <= 0.008


@pytest.mark.parametrize("fs_hz", [125, 250, 500])
def test_a_mark_is_told_once_however_long(fs_hz):
    t_s = seconds(4, fs_hz)
    marked = np.zeros(len(t_s), bool)
    marked[2 * fs_hz : 2 * fs_hz + 5] = True
    (at,) = np.flatnonzero(conditioned(noise(t_s), fs_hz, marked).pace[0])
    assert at - PACE_LATE == pytest.approx(500, abs=2)


def test_what_a_missing_sample_is_coded_as_is_no_pulse():
    t_s = seconds(1, 250)
    raw = np.round(noise(t_s) / STEP_MV).astype(np.int16)
    raw[100:110] = CODE_MISSING
    mv = raw * STEP_MV
    np.testing.assert_array_equal(held(mv, 250, raw)[110:], mv[110:])


def test_a_marked_pulse_is_held_however_small_but_not_for_long():
    mv = np.zeros(500)
    mv[100:102] = 0.2
    marked = np.zeros(500, bool)
    marked[99:103] = marked[300:400] = True
    mv[300:400] = 0.2
    out = held(mv, 250, marked=marked)
    assert (out[95:110] == 0).all()
    assert (out[300:305] == 0).all() and (out[306:400] == 0.2).all()


def test_marks_reach_the_signal_of_their_row():
    t_s = seconds(4, 250)
    spikes = np.zeros(len(t_s))
    spikes[500::100] = 0.4
    left = conditioned(noise(t_s) + spikes, 250).ecg_mv[0, 1, 250:]
    gone = conditioned(noise(t_s) + spikes, 250, spikes > 0).ecg_mv[0, 1, 250:]
    assert np.abs(left).max() > 0.08 > np.abs(gone).max()


@pytest.mark.parametrize("fs_hz", [250, 256, 300, 360, 400, 499, 500, 1000, 2000])
def test_history_holds_all_that_a_held_sample_depends_on(fs_hz):
    rise, quiet, held_for, followed = pacing_samples(fs_hz)
    reach = max(rise + quiet + held_for - 1, followed)
    assert design_resampler(Fraction(fs_hz)).taps + reach <= history_samples(Fraction(fs_hz))


@pytest.mark.recordings
@pytest.mark.parametrize("record", ["100", "105", "208", "231"])
def test_recorded_hearts_are_left_as_they_are(recordings, record):
    """The share of samples held in half an hour of beats without a pacemaker."""
    source = wfdb.rdrecord(str(recordings / "mitdb" / record))
    for mv in source.p_signal.T:
        assert (held(mv, 360) != mv).mean() < 2e-5


def test_conditioning_a_record_needs_no_marks():
    t_s = seconds(2, 250)
    adu = np.round(noise(t_s) / STEP_MV).astype(np.int16)[None]
    out = condition_record(adu, Fraction(250), [1], [STEP_MV], [0], 50)
    np.testing.assert_array_equal(out.ecg_mv, conditioned(adu[0] * STEP_MV, 250, np.zeros(500, bool)).ecg_mv)
