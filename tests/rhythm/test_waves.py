"""What is measured of a wave, on waves whose measures are known."""

import numpy as np
import pytest

from ecgstream.rhythm import Rhythm
from ecgstream.rhythm.waves import FEATURES, WAVE_HOPS
from ecgstream.waveform import GRID_HZ

from .signals import beat_train, conditioned, noise

SECONDS = 20
T_S = np.arange(SECONDS * GRID_HZ) / GRID_HZ


def measured(signal: np.ndarray) -> dict[str, np.ndarray]:
    """Each measure of the one lead at the ends of the seconds in which there is one."""
    waves = Rhythm(1).step(conditioned({"II": signal + noise(len(signal), 1, 0.002)})).waves[0, :, 0]
    known = np.isfinite(waves).all(1)
    assert set(np.flatnonzero(known) % WAVE_HOPS) <= {WAVE_HOPS - 1}
    return dict(zip(FEATURES, waves[known].T, strict=True))


@pytest.mark.parametrize("frequency_hz", [3.0, 4.0, 6.0])
def test_a_sine_is_known_by_its_frequency_and_leaves_nothing_when_it_cancels_itself(frequency_hz):
    of = measured(0.5 * np.sin(2 * np.pi * frequency_hz * T_S))
    assert len(of["size"]) >= 10
    np.testing.assert_allclose(of["frequency"], frequency_hz)
    np.testing.assert_allclose(of["size"], 0.5 * 2 / np.pi, rtol=0.1)
    np.testing.assert_allclose(of["kurtosis"], 1.5, atol=0.1)
    assert (of["leakage"] < 0.25).all()
    assert (of["repeats"] > 0.9).all()


def test_a_wandering_baseline_makes_the_wave_no_slower():
    wave = 0.3 * np.sin(2 * np.pi * 5 * T_S)
    still, moved = measured(wave), measured(wave + 0.8 * np.sin(2 * np.pi * 0.3 * T_S))
    assert abs(np.median(still["half_period"]) - np.median(moved["half_period"])) <= 1
    assert np.median(moved["wander"]) > 10 * np.median(still["wander"])


def test_clear_beats_are_not_measured():
    assert len(measured(beat_train(np.arange(0.5, SECONDS, 0.8), SECONDS))["size"]) == 0
