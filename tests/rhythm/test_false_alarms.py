"""What looked lethal on real recordings and was not, made again in the small."""

from fractions import Fraction

import numpy as np
import pytest

from ecgstream.conditioning import condition_record
from ecgstream.rhythm import Rhythm
from ecgstream.waveform import GRID_HZ, Condition
from simulators.patient import Patient
from simulators.script import BedScript, episode

from .signals import beat_train, bump, conditioned, noise

SECONDS = 40
TIMES_S = np.arange(0.5, SECONDS - 1, 0.7)


def told(leads: dict[str, np.ndarray]) -> set[str]:
    noisy = {name: signal + noise(len(signal), seed, 0.005) for seed, (name, signal) in enumerate(leads.items())}
    return {Condition(c).name for c in np.flatnonzero(Rhythm(1).step(conditioned(noisy)).evidence.any((0, 1)))}


def test_an_electrode_that_comes_loose_is_no_asystole_while_another_lead_beats():
    loose, steady = beat_train(TIMES_S, SECONDS), beat_train(TIMES_S, SECONDS, height_mv=0.3)
    loose[20 * GRID_HZ :] = 0.0
    assert told({"II": loose, "V1": steady}) == set()
    steady[20 * GRID_HZ :] = 0.0
    assert "ASYSTOLE" in told({"II": loose, "V1": steady})


def test_an_odd_first_beat_makes_no_tachycardia_of_those_that_follow():
    times_s = np.arange(0.5, SECONDS - 1, 0.61)
    signal = beat_train(times_s, SECONDS, wide=set(range(1, len(times_s))))
    assert "VENTRICULAR_TACHYCARDIA" not in told({"II": signal})


def test_broad_beats_that_resemble_each_other_are_a_tachycardia():
    signal = beat_train(TIMES_S[TIMES_S < 20], SECONDS)
    for time_s in np.arange(20.3, 26, 0.4):
        signal += bump(len(signal), time_s * GRID_HZ, 0.04, -1.5)
    assert "VENTRICULAR_TACHYCARDIA" in told({"II": signal})


@pytest.mark.parametrize("seed", range(3))
def test_what_is_left_where_a_heart_stands_still_is_no_beat_however_long(seed):
    """Breath, a little hum and 6 uV of amplifier: QRS heights learnt anew from those would make beats of them."""
    scenes = episode("sinus", 0, 30), episode("asystole", 30, 90)
    (group,) = Patient(BedScript("bed", ("II", "V1"), 250, seed, scenes)).read(0, 90 * 250)
    block = condition_record(group.samples, Fraction(250), group.layout.slots, [1 / 400] * 2, [0, 0], 50)
    result = Rhythm(1).step(block)
    assert result.beats.sample.max() < 31 * 250
    assert result.evidence[0, 36 * 5 :, Condition.ASYSTOLE].all()
