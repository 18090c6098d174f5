"""What counts as flat, saturated, noise or off, made up and recorded."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import wfdb
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import lfilter

from ecgstream.conditioning import NOISY, condition_record
from ecgstream.conditioning.quality import N_FEATURES, WINDOW_HOPS, median_of_window
from ecgstream.waveform import CODE_LEAD_OFF, CODE_MISSING, HOP_SAMPLES, Conditioned, Reason

from .recordings import condition_wfdb

SECONDS = np.arange(2500) / 250


def condition(mv: np.ndarray, adu_per_mv: int = 200) -> Conditioned:
    adu = np.clip(np.round(mv * adu_per_mv), -5 * adu_per_mv, 5 * adu_per_mv).astype(np.int16)
    return condition_record(adu[None], Fraction(250), [6], [1 / adu_per_mv], [0], 50)


@given(st.lists(st.floats(0, 1, width=32), min_size=WINDOW_HOPS, max_size=WINDOW_HOPS))
def test_the_median_of_a_window(values: list[float]):
    window = np.zeros((WINDOW_HOPS, N_FEATURES))
    window[:, 3] = values
    assert median_of_window(window, 3) == np.median(values)


def settled(out: Conditioned) -> tuple[set[int], float]:
    """(Reasons, mean quality) after two seconds."""
    return set(out.reason[0, 6, 10:].tolist()), float(out.quality[0, 6, 10:].mean())


def noise(rms_mv: float) -> np.ndarray:
    return np.random.default_rng(0).normal(0, rms_mv, len(SECONDS))


def heart(rate_bpm: float = 70) -> np.ndarray:
    phase = SECONDS * rate_bpm / 60 % 1
    return np.exp(-0.5 * ((phase - 0.3) / 0.015) ** 2) + 0.3 * np.exp(-0.5 * ((phase - 0.6) / 0.05) ** 2)


def test_a_clean_heart_is_good():
    reasons, quality = settled(condition(heart() + noise(0.01)))
    assert reasons == {Reason.OK} and quality > 0.9


def test_a_constant_lead_is_flat_after_a_second():
    out = condition(np.full(2500, 0.4))
    assert (out.reason[0, 6, :4] == Reason.OK).all()
    assert (out.reason[0, 6, 4:] == Reason.FLAT).all() and (out.quality[0, 6, 4:] == 0).all()
    assert out.valid.any()


@pytest.mark.parametrize("adu_per_mv", [200, 1000])
def test_asystole_is_not_flat(adu_per_mv):
    assert settled(condition(noise(0.01) + 0.05 * np.sin(SECONDS), adu_per_mv))[0] == {Reason.OK}


@pytest.mark.parametrize("level_mv", [-6.0, 6.0])
def test_a_lead_at_its_rail_is_saturated(level_mv):
    assert settled(condition(level_mv + noise(0.01)))[0] == {Reason.SATURATED}


def test_tops_cut_off_by_the_rail_are_saturated():
    assert settled(condition(12 * np.sin(2 * np.pi * 1.5 * SECONDS)))[0] == {Reason.SATURATED}


@pytest.mark.parametrize("offset_mv", [-4.0, 4.0])
def test_a_quiet_heart_on_an_electrode_offset_is_not_saturated(offset_mv):
    """After one breath, that is: until then its lowest trace is the lowest ever."""
    breath = 0.15 * np.sin(2 * np.pi * 0.3 * SECONDS)
    out = condition(offset_mv + 0.8 * heart() + breath + noise(0.01), adu_per_mv=40)
    assert (out.reason[0, 6, 20:] == Reason.OK).mean() > 0.95


def test_a_tall_heart_is_not_saturated():
    assert settled(condition(4.5 * heart() + noise(0.005)))[0] == {Reason.OK}


@pytest.mark.parametrize("rms_mv", [0.4, 0.8])
def test_muscle_noise_is_noise(rms_mv):
    reasons = condition(heart() + noise(rms_mv)).reason[0, 6, 10:]
    assert np.isin(reasons, NOISY).all() and (reasons == Reason.NOISE).mean() > 0.85


@pytest.mark.parametrize(("at_hz", "notch_hz"), [(50, 60), (60, 50), (50.3, 60), (60, 0)])
@pytest.mark.parametrize("fs_hz", [125, 250, 360, 500])
def test_hum_that_no_notch_takes_off_is_mains(at_hz, notch_hz, fs_hz):
    t_s = np.arange(10 * fs_hz) / fs_hz
    mv = np.interp(t_s, SECONDS, heart() + noise(0.01)) + 2.0 * np.sin(2 * np.pi * at_hz * t_s)
    adu = np.round(200 * mv).astype(np.int16)
    reasons = condition_record(adu[None], Fraction(fs_hz), [6], [0.005], [0], notch_hz).reason[0, 6, 10:]
    assert (reasons == Reason.MAINS).all()


def test_hum_that_the_notch_takes_off_is_no_noise():
    assert settled(condition(heart() + noise(0.01) + 2.0 * np.sin(2 * np.pi * 50 * SECONDS)))[0] == {Reason.OK}


def test_an_electrode_that_is_pulled_is_motion():
    pulled = lfilter([1], [1, -0.99], np.random.default_rng(2).normal(0, 0.2, len(SECONDS)))
    reasons = condition(heart() + noise(0.01) + pulled).reason[0, 6, 10:]
    noisy = reasons[np.isin(reasons, NOISY)]
    assert len(noisy) > 20 and (noisy == Reason.MOTION).mean() > 0.85


def test_more_noise_is_less_quality():
    qualities = [settled(condition(heart() + noise(rms_mv)))[1] for rms_mv in (0.0, 0.03, 0.06, 0.12, 0.5)]
    assert qualities == sorted(qualities, reverse=True) and qualities[0] > 0.9 and qualities[-1] < 0.1


def test_a_jump_of_the_baseline_is_motion_until_it_is_over():
    out = condition(heart() + noise(0.01) + 4 * (SECONDS > 5))
    assert (out.reason[0, 6, 10:25] == Reason.OK).all()
    assert (out.reason[0, 6, 28:30] == Reason.MOTION).all()
    assert (out.reason[0, 6, -5:] == Reason.OK).all()


@pytest.mark.parametrize("at_hz", [2.5, 4.0, 6.0, 9.0])
@pytest.mark.parametrize("size_mv", [0.1, 1.0])
def test_fibrillation_is_not_noise(at_hz, size_mv):
    wave = size_mv * np.sin(2 * np.pi * at_hz * SECONDS + np.sin(2 * np.pi * 0.4 * SECONDS))
    assert settled(condition(wave + noise(0.01)))[0] == {Reason.OK}


@pytest.mark.parametrize(("code", "reason"), [(CODE_MISSING, Reason.MISSING), (CODE_LEAD_OFF, Reason.LEAD_OFF)])
@pytest.mark.parametrize("fs_hz", [250, 360, 500])
def test_codes_are_reasons(code, reason, fs_hz):
    adu = (np.random.default_rng(1).normal(0, 5, fs_hz * 6)).astype(np.int16)
    adu[2 * fs_hz : 4 * fs_hz] = code
    out = condition_record(adu[None], Fraction(fs_hz), [6], [0.005], [0], 50)
    assert (out.reason[0, 6, 10:20] == reason).all() and (out.quality[0, 6, 10:20] == 0).all()
    assert (out.reason[0, 6, 21:] == Reason.OK).all()
    assert not out.valid[0, 6, 10 * HOP_SAMPLES : 20 * HOP_SAMPLES].any()


def test_what_was_before_a_gap_does_not_colour_what_is_behind():
    adu = np.round(200 * (heart() + noise(0.5) * (SECONDS < 4) + noise(0.01))).astype(np.int16)
    adu[1000:1010] = CODE_MISSING
    out = condition_record(adu[None], Fraction(250), [6], [0.005], [0], 50)
    assert np.isin(out.reason[0, 6, 15:20], NOISY).all()
    assert (out.quality[0, 6, 20] > 0.5) and (out.quality[0, 6, 21:] > 0.8).all()


@pytest.mark.recordings
def test_a_clean_recording_is_good_throughout(recordings):
    out = condition_wfdb(recordings / "mitdb" / "100", 60)
    leads = [1, 10]
    assert (out.reason[0, leads] == Reason.OK).mean() > 0.999
    assert out.quality[0, leads].mean() > 0.95


@pytest.mark.recordings
def test_added_motion_lowers_the_quality(recordings):
    """Noise stress test: from the fifth minute, two minutes of electrode motion alternate with two clean ones."""
    noisy = ((np.arange(5 * 300, 30 * 300) - 1500) % 1200) < 600
    for record, least in (("118e00", 0.5), ("118e_6", 0.9)):
        out = condition_wfdb(recordings / "nstdb" / record, 60)
        bad = np.isin(out.reason[0, [1, 6], 1500:9000], NOISY).any(0)
        assert bad[noisy].mean() > least
        assert bad[~noisy].mean() < 0.1


@pytest.mark.recordings
def test_fibrillation_and_asystole_are_not_blocked_as_noise(recordings):
    blocked = np.concatenate([_blocked(path) for path in sorted((recordings / "vfdb").glob("*.dat"))])
    assert len(blocked) > 10_000
    assert blocked.mean() < 0.005


def _blocked(path: Path) -> np.ndarray:
    """Of the hops inside annotated VF, flutter and asystole: whether no lead is OK."""
    marks = wfdb.rdann(str(path.with_suffix("")), "atr")
    lethal = np.isin([note.strip("\x00") for note in marks.aux_note], ["(VF", "(VFIB", "(VFL", "(ASYS"])
    if not lethal.any():
        return np.zeros(0, bool)
    out = condition_wfdb(path.with_suffix(""), 60)
    bad = (out.reason[0, [12, 13]] != Reason.OK).all(0)
    hops = np.append(marks.sample, out.n_hops * HOP_SAMPLES) // HOP_SAMPLES
    return np.concatenate([bad[hops[i] : hops[i + 1]] for i in np.flatnonzero(lethal)])


@pytest.mark.recordings
def test_quality_agrees_with_people(recordings):
    """CinC 2011, every third record: AUC of the worst lead's mean quality for acceptable against unacceptable."""
    labels = dict(line.split(",") for line in (recordings / "cinc2011" / "QUALITY.csv").read_text().split()[1:])
    names = sorted(labels)[::3]
    acceptable = np.array([labels[name] == "acceptable" for name in names])
    outs = [condition_wfdb(recordings / "cinc2011" / name, 50) for name in names]
    worst = np.array([out.quality[0, [0, 1, 6, 7, 8, 9, 10, 11]].mean(1).min() for out in outs])
    better = worst[acceptable][:, None] - worst[~acceptable]
    assert ((better > 0).mean() + (better == 0).mean() / 2) > 0.93
