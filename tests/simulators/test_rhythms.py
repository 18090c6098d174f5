"""Every rhythm has the rate, regularity and beats its name promises, measured on the signal where that is possible."""

import numpy as np
import pytest

from ecgstream.waveform import LETHAL
from simulators.heart import Kind
from simulators.rhythms import RHYTHMS
from simulators.script import episode
from simulators.waves import WAVES

from .signals import lead_mv, patient, peak_times_s, playing, share_of_power


@pytest.mark.parametrize(
    ("name", "bpm"),
    [
        ("sinus", 72),
        ("sinus", 50),
        ("sinus_tachycardia", 130),
        ("extreme_bradycardia", 30),
        ("extreme_tachycardia", 185),
        ("atrial_fibrillation", 95),
        ("atrial_flutter", 75),
    ],
)
def test_peaks_of_the_signal_come_at_the_scripted_rate(name, bpm):
    one = playing(name, 120, bpm)
    times_s = peak_times_s(lead_mv(one, "V5", 2, 118), 250)
    assert 60 / np.diff(times_s).mean() == pytest.approx(bpm, rel=0.03)


@pytest.mark.parametrize("bpm", [150, 170, 200])
def test_ventricular_tachycardia_is_regular_at_its_rate(bpm):
    times_s = peak_times_s(-lead_mv(playing("ventricular_tachycardia", bpm=bpm), "II", 2, 58), 250)
    rr_s = np.diff(times_s)
    assert 60 / rr_s.mean() == pytest.approx(bpm, rel=0.02)
    assert rr_s.std() / rr_s.mean() < 0.03


def test_only_atrial_fibrillation_is_irregularly_irregular():
    def spread_and_memory(name):
        rr_s = np.diff(playing(name, 600, 80).beats.time_s)
        return rr_s.std() / rr_s.mean(), np.corrcoef(rr_s[1:], rr_s[:-1])[0, 1]

    spread, memory = spread_and_memory("atrial_fibrillation")
    assert 0.15 < spread < 0.3 and abs(memory) < 0.12
    assert spread_and_memory("sinus")[0] < 0.06


def test_bigeminy_alternates_and_each_premature_beat_is_followed_by_a_full_compensatory_pause():
    beats = playing("bigeminy", 60, 75).beats
    assert set(beats.kind[::2]) == {Kind.SINUS} and set(beats.kind[1::2]) == {Kind.VENTRICULAR}
    rr_s = np.diff(beats.time_s)
    early, pause = rr_s[:-1:2], rr_s[1::2]
    n = min(len(early), len(pause))
    assert np.all(early < 0.75 * pause)
    np.testing.assert_allclose(early[:n] + pause[:n], 2 * 60 / 75, rtol=0.08)


def test_pvcs_are_single_and_as_frequent_as_said():
    kind = playing("pvcs", 600).beats.kind
    is_pvc = kind == Kind.VENTRICULAR
    assert not np.any(is_pvc[1:] & is_pvc[:-1])
    assert 0.08 < is_pvc.mean() < 0.18


def test_pauses_last_about_three_seconds():
    rr_s = np.diff(playing("pauses", 120).beats.time_s)
    long_s = rr_s[rr_s > 2]
    assert len(long_s) >= 5 and long_s.min() > 2.85 and long_s.max() < 3.45


@pytest.mark.parametrize("seed", range(6))
def test_fibrillation_of_the_ventricles_is_confined_to_its_band_and_size(seed):
    one = playing("ventricular_fibrillation", seed=seed)
    mv = lead_mv(one, "II", 1, 59)
    assert share_of_power(mv, 250, 2.5, 7.5) > 0.95
    assert 0.2 < np.percentile(np.abs(mv), 99) < 1.2
    # Waxing and waning: no two stretches alike.
    sizes = mv.reshape(-1, 500).std(axis=1)
    assert sizes.max() > 1.5 * sizes.min()
    assert len(one.beats.time_s) == 0


def test_asystole_is_quiet_but_no_digital_zero():
    mv = lead_mv(playing("asystole"), "II", 1, 59)
    assert np.ptp(mv) < 0.3
    # A body shows some life on the electrodes: no second is flat to within 10 µV.
    assert np.ptp(mv.reshape(-1, 250), axis=1).min() > 0.01


@pytest.mark.parametrize(("name", "low_hz", "high_hz"), [("atrial_fibrillation", 4, 9), ("atrial_flutter", 4.5, 5.5)])
def test_atrial_waves_have_their_frequency(name, low_hz, high_hz):
    wave = WAVES[name](np.random.default_rng(3))
    vertical = wave(np.arange(15_000) / 250)[1]
    assert share_of_power(vertical, 250, low_hz, high_hz) > (0.95 if name == "atrial_fibrillation" else 0.7)


def test_pacing_marks_each_spike_before_its_beat():
    one = patient(episode("sinus", 0, 10, 70), episode("paced", 10, 30, 70))
    (group,) = one.read(0, 30 * 250)
    spikes_s = np.array([mark.start for mark in group.pacer]) / 250
    paced_s = one.beats.time_s[one.beats.kind == Kind.PACED]
    np.testing.assert_allclose(paced_s - spikes_s, 0.09, atol=0.003)
    assert spikes_s.min() >= 9.9
    jump = np.abs(np.diff(group.samples[1].astype(float)))
    assert all(jump[mark.start - 1] > 300 for mark in group.pacer)


def test_lethal_rhythms_are_the_lethal_conditions():
    assert {rhythm.condition for rhythm in RHYTHMS.values() if rhythm.lethal} == set(LETHAL)
    assert episode("ventricular_fibrillation", 0, 1).lethal and not episode("sinus", 0, 1).lethal


def test_an_unknown_name_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match=r"'sinuz' is neither .* sinus, "):
        episode("sinuz", 0, 1)
