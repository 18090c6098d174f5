"""Whether a stretch ends with the heart at work: in doubt no."""

import numpy as np
import pytest

from ecgstream.pulse import find_pulses, shows_pulse

FS, SECONDS = 125.0, 10


def shows(at_s, heights=40.0, foot: float = 70.0, is_pressure: bool = True, noise: float = 0.3, valid=None) -> bool:
    t = np.arange(round(SECONDS * FS)) / FS
    made = np.zeros(len(t)) + foot
    for at, height in zip(at_s, np.broadcast_to(heights, len(at_s)), strict=True):
        since = np.maximum(t - at, 0.0)
        made += height * (1 - np.exp(-since / 0.04)) * np.exp(-since / 0.22) * (t > at) * 1.6
    made += noise * np.random.default_rng(2).standard_normal(len(t))
    valid = np.ones(len(t), bool) if valid is None else valid(t)
    return shows_pulse(find_pulses(made, valid, FS, is_pressure), is_pressure)


@pytest.mark.parametrize("is_pressure", [True, False])
@pytest.mark.parametrize(
    ("at_s", "heights", "is_there"),
    [
        pytest.param(np.arange(0.5, 10, 0.8), 40, True, id="75 a minute to the end"),
        pytest.param(np.arange(0.5, 10, 0.35), 40, True, id="170 a minute"),
        pytest.param(np.arange(0.5, 10, 1.6), 40, True, id="38 a minute"),
        pytest.param(np.arange(0.5, 8.0, 0.8), 40, False, id="none for 2.3 s, though 75 a minute"),
        pytest.param(np.arange(0.5, 5.0, 0.8), 40, False, id="stopped 5 s ago"),
        pytest.param(np.arange(7.5, 10, 0.8), 40, False, id="too few to know"),
        pytest.param(np.arange(0.5, 10, 0.8), np.r_[np.full(7, 40.0), 30, 15, 12, 11, 10], False, id="fading"),
        pytest.param(np.zeros(0), 40, False, id="none at all"),
    ],
)
def test_made_up_waves(at_s, heights, is_there, is_pressure):
    assert shows(at_s, heights, is_pressure=is_pressure) == is_there


def test_a_fall_of_the_pressure_is_no_pulse_though_small_waves_go_on():
    t = np.arange(round(SECONDS * FS)) / FS
    beats = sum(20 * np.exp(-(((t - at) / 0.1) ** 2)) for at in np.arange(0.5, 10, 0.8))
    falling = 30 + 65 / (1 + np.exp((t - 5) * 2)) + beats
    everywhere = np.ones(len(t), bool)
    assert not shows_pulse(find_pulses(falling, everywhere, FS, True), True)
    assert shows_pulse(find_pulses(95 + beats, everywhere, FS, True), True)


def test_missing_samples_at_the_end_are_no_pulse():
    assert not shows(np.arange(0.5, 10, 0.8), valid=lambda t: t < 7)


@pytest.mark.parametrize("every", [25, 100])
def test_a_converter_that_dithers_between_two_values_is_no_pulse(every):
    wave = np.where(np.arange(1250) % every < 12, 0.51, 0.5)
    assert not shows_pulse(find_pulses(wave, np.ones(1250, bool), FS, False), False)
    smooth = 0.5 + 0.1 * np.convolve(np.where(np.arange(1250) % 100 < 12, 1.0, 0.0), np.hanning(20) / 10, "same")
    assert shows_pulse(find_pulses(smooth, np.ones(1250, bool), FS, False), False)


def test_noise_is_no_pulse():
    rng = np.random.default_rng(5)
    for _ in range(25):
        for wave in (rng.standard_normal(1250), np.cumsum(rng.standard_normal(1250)) * 0.2):
            for is_pressure in (True, False):
                assert not shows_pulse(find_pulses(wave + 80, np.ones(1250, bool), FS, is_pressure), is_pressure)
