"""Calibration pulses are told from hearts and from pace pulses, and their edges are no beats."""

from fractions import Fraction

import numpy as np
import pytest

from ecgstream.conditioning import condition_record
from ecgstream.rhythm import Rhythm
from ecgstream.waveform import HOP_SAMPLES, Conditioned, Reason

from .recordings import condition_wfdb

START_S, STOP_S, SECONDS = 12, 17, 25


def condition(mv: np.ndarray, fs_hz: int) -> Conditioned:
    adu = np.round(mv * 200).astype(np.int16)
    return condition_record(adu[None], Fraction(fs_hz), [1], [1 / 200], [0], 50)


def heart(t_s: np.ndarray) -> np.ndarray:
    phase = t_s * 70 / 60 % 1
    wave = np.exp(-0.5 * ((phase - 0.3) / 0.015) ** 2) + 0.3 * np.exp(-0.5 * ((phase - 0.6) / 0.05) ** 2)
    return wave + np.random.default_rng(0).normal(0, 0.01, len(t_s))


def square(t_s: np.ndarray, every_s: float, width_s: float) -> np.ndarray:
    return ((t_s - START_S) % every_s < width_s).astype(float)


@pytest.mark.parametrize("fs_hz", [125, 250, 500])
@pytest.mark.parametrize(("every_s", "width_s"), [(0.5, 0.1), (1.0, 0.2), (0.73, 0.35)])
def test_square_pulses_are_calibration_and_no_beats(fs_hz, every_s, width_s):
    t_s = np.arange(SECONDS * fs_hz) / fs_hz
    test = (t_s >= START_S) & (t_s < STOP_S)
    out = condition(np.where(test, square(t_s, every_s, width_s), heart(t_s)), fs_hz)
    said = out.reason[0, 1]
    assert (said[5 * START_S + 2 : 5 * STOP_S] == Reason.CALIBRATION).all()
    assert (said[: 5 * START_S] == Reason.OK).all() and (said[5 * STOP_S + 10 :] == Reason.OK).all()
    beats_s = Rhythm(1).step(out).beats.sample / 250
    assert ((beats_s > START_S + 0.3) & (beats_s < STOP_S)).sum() == 0


@pytest.mark.parametrize("rate_bpm", [60, 100, 140])
@pytest.mark.parametrize("samples", [1, 2])
def test_pace_pulses_on_a_constant_are_no_calibration(rate_bpm, samples):
    mv = np.zeros(SECONDS * 250)
    for at in np.arange(1, SECONDS - 1, 60 / rate_bpm):
        mv[int(at * 250) : int(at * 250) + samples] = 2.0
    assert not (condition(mv, 250).reason == Reason.CALIBRATION).any()


def test_a_constant_without_a_pulse_is_flat():
    assert (condition(np.full(2500, 0.3), 250).reason[0, 1, 5:] == Reason.FLAT).all()


@pytest.mark.recordings
@pytest.mark.parametrize("record", ["mitdb/102", "mitdb/207", "vfdb/418", "vfdb/615"])
def test_no_recorded_heart_is_a_calibration(recordings, record):
    out = condition_wfdb(recordings / record, 60, stop_s=600)
    assert out.n_hops * HOP_SAMPLES > 100_000
    assert not (out.reason == Reason.CALIBRATION).any()
