"""Beats are found where no lead can be judged, and nothing else hears of them."""

import numpy as np
import pytest

from ecgstream.evaluation.ec57 import match_beats
from ecgstream.rhythm import DETECTION_DELAY_S, Rhythm
from ecgstream.waveform import GRID_HZ, HOP_SAMPLES, Condition, Conditioned, Reason, RhythmResult

from .signals import DELAY, beat_train, conditioned, noise, spoil

SECONDS = 60
NOISE_S = (30, 50)
RELEARNT_S = 2.0
"""Behind so long a noise the heights of beats are learnt anew, and rules do not judge yet."""
HOPS = slice(NOISE_S[0] * 5, NOISE_S[1] * 5)
TIMES_S = np.cumsum(np.random.default_rng(3).uniform(0.75, 0.95, 80))
TIMES_S = TIMES_S[TIMES_S < SECONDS - 1]


def movement(seed: int, size_mv: float = 1.0) -> np.ndarray:
    """Bumps of the height of a QRS, and slower, at random times amid the noise."""
    random = np.random.default_rng(seed)
    trace = np.zeros(SECONDS * GRID_HZ)
    time_s = np.arange(len(trace)) / GRID_HZ
    for at_s in np.sort(random.uniform(*NOISE_S, 40)):
        trace += size_mv * random.normal() * np.exp(-0.5 * ((time_s - at_s) / random.uniform(0.03, 0.1)) ** 2)
    return trace


def bed(times_s: np.ndarray, reason: Reason = Reason.NOISE, seed: int = 0) -> Conditioned:
    """Two leads, neither of which can be judged from 30 s to 50 s."""
    signal = beat_train(times_s, SECONDS)
    leads = {"II": signal + movement(seed), "V1": -0.6 * signal + movement(seed + 1)}
    block = conditioned({name: ecg + noise(len(ecg), seed + 2) for name, ecg in leads.items()})
    spoil(block, HOPS.start, HOPS.stop, reason)
    return block


def amid(times_s: np.ndarray) -> np.ndarray:
    return times_s[(times_s > NOISE_S[0] + 0.2) & (times_s < NOISE_S[1] - 0.2)]


def found_s(result: RhythmResult) -> np.ndarray:
    return result.beats_in_noise.sample / GRID_HZ


@pytest.mark.parametrize("seed", range(4))
def test_beats_amid_movement_are_found_by_their_shape_and_time(seed):
    result = Rhythm(1).step(bed(TIMES_S, seed=seed))
    true_s, told_s = amid(TIMES_S), amid(found_s(result))
    right = (match_beats(true_s, told_s) >= 0).sum()
    assert right >= 0.9 * len(true_s) and right >= 0.85 * len(told_s)


def test_they_lie_amid_the_noise_and_beside_the_beats_of_the_rules():
    result = Rhythm(1).step(bed(TIMES_S))
    assert found_s(result).min() > NOISE_S[0] - 0.2 and found_s(result).max() < NOISE_S[1] + RELEARNT_S
    every = np.sort(np.concatenate([result.beats.sample, result.beats_in_noise.sample]))
    assert np.diff(every).min() >= 50


def test_they_are_told_as_soon_as_any_other():
    told = Rhythm(1).step(bed(TIMES_S)).beats_in_noise
    waited_s = ((told.confirmed_hop + 1) * HOP_SAMPLES - told.sample - DELAY) / GRID_HZ
    assert waited_s.max() <= DETECTION_DELAY_S + HOP_SAMPLES / GRID_HZ


def test_without_a_heart_the_interval_alone_tells_no_beats():
    """Movement is at times like a QRS; of the 23 beats that the interval would have there, few are."""
    told = [len(found_s(Rhythm(1).step(bed(TIMES_S[TIMES_S < 29], seed=seed)))) for seed in range(4)]
    assert np.mean(told) < 8


@pytest.mark.parametrize("reason", [Reason.FLAT, Reason.SATURATED, Reason.CALIBRATION, Reason.LEAD_OFF, Reason.MISSING])
def test_beats_are_sought_in_noise_only(reason):
    assert len(amid(found_s(Rhythm(1).step(bed(TIMES_S, reason))))) == 0


def test_no_rule_hears_of_them():
    """Through the noise, rules and rates say the same whether or not it holds beats."""
    with_beats, without = bed(TIMES_S), bed(TIMES_S)
    hidden = slice(HOPS.start * HOP_SAMPLES, HOPS.stop * HOP_SAMPLES)
    without.ecg_mv[:, :, hidden] = 0.0
    far = slice(None, HOPS.stop - 5)
    one, other = Rhythm(1).step(with_beats), Rhythm(1).step(without)
    assert len(amid(found_s(one))) > 15 and len(amid(found_s(other))) == 0
    for name in ("evidence", "onset", "reason", "hr_bpm", "pvc_per_min"):
        np.testing.assert_array_equal(getattr(one, name)[:, far], getattr(other, name)[:, far], err_msg=name)
    assert not one.evidence[:, HOPS, Condition.ASYSTOLE].any()


def test_no_beats_before_the_patients_own_are_known():
    block = bed(TIMES_S)
    block.reason[block.reason == Reason.OK] = Reason.NOISE
    assert len(found_s(Rhythm(1).step(block))) == 0
