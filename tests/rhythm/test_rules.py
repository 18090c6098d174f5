"""Each condition on rhythms made to meet it, or just not to."""

import numpy as np
import pytest

from ecgstream.limits import PRESETS, limits_of
from ecgstream.rhythm import DETECTION_DELAY_S, Rhythm
from ecgstream.waveform import HOP_S, LETHAL, Condition, Reason, RhythmResult

from .signals import beat_train, bump, conditioned, noise, spoil

SINUS_S = 20.0


def run(signal: np.ndarray, seed: int = 0, **limits: float) -> RhythmResult:
    return Rhythm(1, limits_of(**limits)).step(conditioned({"II": signal + noise(len(signal), seed, 0.005)}))


def train(*parts: tuple[int, float], wide=()) -> np.ndarray:
    """Beats of (count, interval in s) one part after another, 1 s in; 1.4 s more signal follow."""
    times = 1.0 + np.cumsum(np.concatenate([[0.0], *(np.full(count, interval) for count, interval in parts)]))
    return beat_train(times, times[-1] + 1.4, wide)


def told(result: RhythmResult, condition: Condition) -> tuple[float, float, float] | None:
    """(first hop's end, last hop's end, onset) of a condition's only run of evidence, s."""
    hops = np.flatnonzero(result.evidence[0, :, condition])
    if not len(hops):
        return None
    assert np.diff(hops).max(initial=1) == 1, "the evidence is interrupted"
    onsets = set(result.onset[0, hops, condition].tolist())
    assert len(onsets) == 1, "the onset moves"
    return (hops[0] + 1) * HOP_S, (hops[-1] + 1) * HOP_S, onsets.pop() / 250


def lethal(result: RhythmResult) -> list[str]:
    return [condition.name for condition in LETHAL if result.evidence[0, :, condition].any()]


def test_sinus_rhythm_has_beats_a_rate_and_no_lethal_evidence():
    result = run(train((60, 0.8)))
    found = result.beats.sample / 250
    np.testing.assert_allclose(np.diff(found), 0.8, atol=0.02)
    assert abs(found[0] - np.round((found[0] - 1) / 0.8) * 0.8 - 1) < 0.03
    assert result.hr_bpm[0, 100] == pytest.approx(75, abs=0.5)
    assert not result.beats.ventricular.any() and not result.evidence.any()


def test_beats_are_confirmed_within_the_declared_delay():
    result = run(train((60, 0.8)))
    confirmed_s = (result.beats.confirmed_hop + 1) * HOP_S
    assert (confirmed_s - result.beats.sample / 250 <= DETECTION_DELAY_S + HOP_S + 8 / 250).all()
    assert DETECTION_DELAY_S <= 0.6


def test_asystole_begins_with_the_last_beat_and_is_told_after_four_seconds():
    signal = np.concatenate([train((25, 0.8)), np.zeros(10 * 250)])
    first, last, onset = told(run(signal), Condition.ASYSTOLE)
    assert onset == pytest.approx(21.0, abs=0.05)
    assert 4.0 <= first - onset <= 5.2
    assert last == pytest.approx(32.4, abs=0.2)


@pytest.mark.parametrize("reason", [Reason.LEAD_OFF, Reason.NOISE, Reason.SATURATED, Reason.MISSING])
def test_no_asystole_where_the_signal_is_not_usable(reason):
    signal = np.concatenate([train((25, 0.8)), np.zeros(10 * 250)])
    block = conditioned({"II": signal + noise(len(signal), 0, 0.005)})
    spoil(block, 23 * 5, block.n_hops, reason)
    result = Rhythm(1).step(block)
    assert lethal(result) == []
    assert (result.reason[0, 23 * 5 :] == reason).all()
    assert np.isnan(result.hr_bpm[0, -1])


@pytest.mark.parametrize(("pause_s", "expected"), [(2.3, False), (2.7, True), (3.5, True)])
def test_a_pause_is_told_from_two_and_a_half_seconds(pause_s, expected):
    signal = train((20, 0.8), (1, pause_s), (10, 0.8))
    result = run(signal)
    found = told(result, Condition.PAUSE)
    assert (found is not None) == expected
    assert not found or found[2] == pytest.approx(17.0, abs=0.05)
    assert Condition.ASYSTOLE.name not in lethal(result)


def test_a_bed_with_its_own_limit_is_judged_by_it():
    signal = train((20, 0.8), (1, 2.7), (10, 0.8))
    rhythm = Rhythm(1)
    rhythm.limits["pause_s"][0] = 3.5
    block = conditioned({"II": signal + noise(len(signal), 0, 0.005)})
    assert told(rhythm.step(block), Condition.PAUSE) is None


@pytest.mark.parametrize(
    ("interval_s", "expected", "within_s"),
    [(1.4, False, 0), (1.6, True, 7.6), (2.5, True, 9.5), (3.2, True, 10.0)],
)
def test_extreme_bradycardia_below_forty(interval_s, expected, within_s):
    found = told(run(train((20, 0.8), (8, interval_s))), Condition.EXTREME_BRADYCARDIA)
    assert (found is not None) == expected
    if expected:
        assert found[2] == pytest.approx(17.0, abs=1.7), "it begins at most two intervals before the slow ones"
        assert found[0] - 17.0 <= within_s


@pytest.mark.parametrize(
    ("condition", "signal", "bpm"),
    [
        (Condition.BRADYCARDIA, train((20, 0.8), (12, 1.4)), (60 / 1.4, 50)),
        (Condition.TACHYCARDIA, train((20, 0.8), (40, 0.47)), (120, 60 / 0.47)),
        (Condition.EXTREME_BRADYCARDIA, train((20, 0.8), (8, 2.0)), (30, 40)),
        (Condition.EXTREME_TACHYCARDIA, train((20, 0.8), (30, 0.40)), (140, 150)),
    ],
)
def test_a_condition_of_rates_says_the_rate_it_is_judged_by(condition, signal, bpm):
    """From the first hop of it on beyond the limit, towards the rate of the slow or fast beats alone."""
    result = run(signal)
    hops = np.flatnonzero(result.evidence[0, :, condition])
    rates = result.judged_bpm[0, hops, condition]
    assert len(hops) > 5 and (rates > bpm[0] - 1).all() and bpm[0] - 1 < rates[0] < bpm[1] + 1
    assert not result.judged_bpm[~result.evidence].any()


@pytest.mark.parametrize(("interval_s", "expected"), [(0.45, False), (0.40, True)])
def test_extreme_tachycardia_needs_sixteen_fast_intervals(interval_s, expected):
    found = told(run(train((20, 0.8), (30, interval_s))), Condition.EXTREME_TACHYCARDIA)
    assert (found is not None) == expected
    assert not expected or found[0] - 17.0 <= 16 * interval_s + 1.5
    assert told(run(train((20, 0.8), (12, 0.40), (10, 0.8))), Condition.EXTREME_TACHYCARDIA) is None


@pytest.mark.parametrize(
    ("beats", "interval_s", "vt", "run_of"),
    [(2, 0.45, False, False), (4, 0.45, False, True), (8, 0.45, True, True), (8, 0.7, False, True)],
)
def test_ventricular_runs_and_tachycardia(beats, interval_s, vt, run_of):
    signal = train((20, 0.8), (beats, interval_s), (15, 0.8), wide=range(21, 21 + beats))
    result = run(signal)
    assert result.beats.ventricular.sum() == beats
    assert (told(result, Condition.VENTRICULAR_TACHYCARDIA) is not None) == vt
    assert (told(result, Condition.PVC_RUN) is not None) == run_of
    if vt:
        first, _, onset = told(result, Condition.VENTRICULAR_TACHYCARDIA)
        assert onset == pytest.approx(17.0 + interval_s, abs=0.1)
        assert first - onset <= 5 * interval_s + 1.2


def fibrillation(duration_s: float, size_mv: float = 0.4) -> np.ndarray:
    """Waves of 4 to 6 Hz whose rate and size wander."""
    t = np.arange(round(duration_s * 250)) / 250
    phase = 2 * np.pi * (5 * t + 0.6 * np.sin(2 * np.pi * 0.35 * t))
    return size_mv * (1 + 0.4 * np.sin(2 * np.pi * 0.23 * t)) * np.sin(phase)


@pytest.mark.parametrize("size_mv", [0.15, 0.5])
def test_fibrillation_is_told_and_is_no_asystole(size_mv):
    sinus = train((25, 0.8))
    result = run(np.concatenate([sinus, fibrillation(20, size_mv), sinus]))
    onset_s = len(sinus) / 250
    first, last, onset = told(result, Condition.VENTRICULAR_FIBRILLATION)
    assert first - onset_s <= 10.0
    assert abs(onset - onset_s) <= 3.0
    assert last <= onset_s + 20 + 5
    assert not result.evidence[0, :, Condition.ASYSTOLE].any()


def test_limits_are_those_of_the_row():
    signal = train((60, 0.8))
    assert told(run(signal, bradycardia_bpm=80.0), Condition.BRADYCARDIA)
    assert told(run(signal, tachycardia_bpm=70.0), Condition.TACHYCARDIA)
    assert told(run(signal), Condition.BRADYCARDIA) is None


SINUS_AT = {"adult": 0.8, "child": 0.5, "neonate": 0.42, "icu": 0.8, "ambulatory": 0.8}


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_is_quiet_at_its_own_rates_and_told_beyond_them(preset):
    limits, usual_s = PRESETS[preset], SINUS_AT[preset]
    assert not run(train((80, usual_s)), **limits).evidence.any()
    slow_s, fast_s = 66.0 / limits["extreme_bradycardia_bpm"], 54.0 / limits["extreme_tachycardia_bpm"]
    assert "EXTREME_BRADYCARDIA" in lethal(run(train((40, usual_s), (12, slow_s)), **limits))
    assert "EXTREME_TACHYCARDIA" in lethal(run(train((40, usual_s), (40, fast_s)), **limits))
    assert ("ASYSTOLE" in lethal(run(train((40, usual_s), (1, 3.5), (10, usual_s)), **limits))) == (preset == "neonate")


def varied(count: int, spread: float) -> list[tuple[int, float]]:
    """Intervals of 0.8 s, give or take a part of it, each drawn anew."""
    return [(1, 0.8 * (1 + spread * part)) for part in np.random.default_rng(0).uniform(-1, 1, count)]


def test_an_irregular_rhythm_is_told_from_32_intervals_until_it_is_regular_again():
    result = run(train((20, 0.8), *varied(60, 0.4), (60, 0.8)))
    first, last, onset = told(result, Condition.IRREGULAR_RR)
    begun_s, over_s = 1 + 20 * 0.8, 1 + 20 * 0.8 + sum(length for _, length in varied(60, 0.4))
    assert begun_s < first < begun_s + 32 * 0.8 + 1 and onset < first - 20 * 0.8
    assert over_s < last < over_s + 32 * 0.8


@pytest.mark.parametrize(
    ("rhythm", "wide"),
    [
        ([(1, 0.8 * (1 + 0.1 * np.sin(2 * np.pi * beat / 5))) for beat in range(90)], ()),
        (varied(90, 0.08), ()),
        ([(1, 0.8), (1, 0.55), (1, 1.05), *[(1, 0.8)] * 7] * 9, ()),
        ([(1, 0.55), (1, 1.05)] * 45, range(21, 110, 2)),
        (varied(20, 0.4), ()),
    ],
    ids=["breathing", "slightly uneven", "one premature beat in ten", "ventricular bigeminy", "twenty beats"],
)
def test_what_is_no_irregular_rhythm(rhythm, wide):
    result = run(train((20, 0.8), *rhythm, (20, 0.8), wide=wide))
    assert told(result, Condition.IRREGULAR_RR) is None
    assert len(result.beats.sample) >= 50


def test_pvc_rate_counts_the_last_minute():
    signal = train((90, 0.8), wide={30, 40, 50})
    rates = run(signal).pvc_per_min[0]
    assert np.isnan(rates[:70]).all()
    assert rates[5 * 60] == pytest.approx(3, abs=0.1)


def test_a_tall_t_wave_is_no_beat():
    times = 1.0 + 0.8 * np.arange(50)
    signal = beat_train(times, 45) + sum(bump(45 * 250, (t + 0.26) * 250, 0.045, 0.9) for t in times)
    found = run(signal).beats.sample / 250
    np.testing.assert_allclose(np.diff(found), 0.8, atol=0.02)
