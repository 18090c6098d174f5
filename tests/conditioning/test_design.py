"""What the whole chain does to sines and pulses, against its design."""

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest

from ecgstream.conditioning import condition_record
from ecgstream.conditioning.design import design_filters, design_resampler
from ecgstream.conditioning.kernels import LANES, N_FILTER_STATE, filter_lead, filter_together
from ecgstream.waveform import GRID_HZ, Conditioned, history_samples

RATES = [Fraction(rate) for rate in ("125", "200", "250", "256", "360", "499.31", "500", "1000", "2000")]


def condition(wave: Callable[[np.ndarray], np.ndarray], fs_hz: Fraction, duration_s: float, mains_hz: int = 50):
    """``wave`` (mV of seconds), sampled at ``fs_hz`` and 0.2 uV, as lead II."""
    adu = np.round(wave(np.arange(int(duration_s * fs_hz)) / float(fs_hz)) * 5000).astype(np.int16)
    return condition_record(adu[None], fs_hz, [1], [1 / 5000], [0], mains_hz)


def lead_ii(out: Conditioned) -> np.ndarray:
    return out.ecg_mv[0, 1].astype(float)


def fit_sine(mv: np.ndarray, at_hz: float) -> tuple[float, float]:
    """(Amplitude of the sine at ``at_hz``, RMS of all else) in the second half of ``mv``."""
    half = len(mv) // 2
    angle = 2 * np.pi * at_hz * np.arange(half, len(mv)) / GRID_HZ
    basis = np.stack([np.cos(angle), np.sin(angle), np.ones_like(angle)], axis=1)
    weights = np.linalg.lstsq(basis, mv[half:], rcond=None)[0]
    return float(np.hypot(*weights[:2])), float((mv[half:] - basis @ weights).std())


def gain(at_hz: float, fs_hz: Fraction, mains_hz: int = 50) -> float:
    duration_s = max(4, 20 / at_hz)
    out = condition(lambda t: np.sin(2 * np.pi * at_hz * t), fs_hz, duration_s, mains_hz)
    return fit_sine(lead_ii(out), at_hz)[0]


def designed_gain(at_hz: float, mains_hz: int) -> float:
    """Prototypes: one-pole high-pass, fourth-order Butterworth (bilinear), notch 5 Hz wide unless ``mains_hz`` is 0."""
    highpass = at_hz / np.hypot(at_hz, 0.25)
    lowpass = 1 / np.sqrt(1 + (np.tan(np.pi * at_hz / GRID_HZ) / np.tan(np.pi * 40 / GRID_HZ)) ** 8)
    if not mains_hz:
        return highpass * lowpass
    off = at_hz**2 - mains_hz**2
    return highpass * lowpass * abs(off) / np.hypot(off, 5 * at_hz)


@pytest.mark.parametrize("fs_hz", RATES)
@pytest.mark.parametrize("at_hz", [0.25, 0.67, 1.0, 5.0, 10.0, 17.0, 25.0, 35.0])
def test_the_passband_is_as_designed_at_every_rate(fs_hz, at_hz):
    assert gain(at_hz, fs_hz) == pytest.approx(designed_gain(at_hz, 50), abs=0.015)


@pytest.mark.parametrize("fs_hz", [Fraction(50), Fraction("62.5"), Fraction(100)])
def test_slow_monitors_keep_what_they_have(fs_hz):
    for at_hz in (1.0, 0.15 * float(fs_hz), 0.25 * float(fs_hz)):
        assert gain(at_hz, fs_hz) == pytest.approx(designed_gain(at_hz, 50), abs=0.08)


@pytest.mark.parametrize("fs_hz", RATES[1:])
@pytest.mark.parametrize("mains_hz", [50, 60])
def test_mains_is_gone(fs_hz, mains_hz):
    assert gain(mains_hz, fs_hz, mains_hz) < 0.002
    assert gain(mains_hz + 0.3, fs_hz, mains_hz) < 0.06


def test_without_mains_there_is_no_notch():
    assert gain(50, Fraction(250), mains_hz=0) == pytest.approx(designed_gain(50, 0), abs=0.015)


@pytest.mark.parametrize(("fs_hz", "at_hz"), [(500, 210), (500, 240), (499, 235), (1000, 260), (2000, 490), (360, 178)])
def test_nothing_folds_into_the_band(fs_hz, at_hz):
    out = condition(lambda t: np.sin(2 * np.pi * at_hz * t), Fraction(fs_hz), 4)
    assert lead_ii(out)[500:].std() < 0.001


@pytest.mark.parametrize("fs_hz", [Fraction(125), Fraction(200), Fraction(360), Fraction("499.31"), Fraction(500)])
def test_resampling_adds_no_images(fs_hz):
    out = condition(lambda t: np.sin(2 * np.pi * 12 * t), fs_hz, 12)
    assert fit_sine(lead_ii(out), 12)[1] < 0.002


def bump(t: np.ndarray) -> np.ndarray:
    """A pulse of 100 ms."""
    return np.exp(-0.5 * (t / 0.02) ** 2)


def complex_qrs(t: np.ndarray) -> np.ndarray:
    """q, R and s in 90 ms."""
    return (1 - (t / 0.015) ** 2) * np.exp(-0.5 * (t / 0.015) ** 2)


@pytest.mark.parametrize("fs_hz", [Fraction("62.5"), *RATES])
@pytest.mark.parametrize("mains_hz", [0, 50, 60])
@pytest.mark.parametrize("shape", [bump, complex_qrs])
def test_the_declared_delay_is_that_of_a_qrs(fs_hz, mains_hz, shape):
    """At many places between grid samples."""
    late = []
    for place_s in 1 + np.arange(9) * 0.0137:
        out = condition(lambda t, at=place_s: shape(t - at), fs_hz, 2, mains_hz)
        mv = lead_ii(out)
        top = int(mv.argmax())
        before, at, behind = mv[top - 1 : top + 2]
        late.append(top + 0.5 * (before - behind) / (before - 2 * at + behind) - place_s * GRID_HZ)
    assert np.mean(late) == pytest.approx(float(out.delay_samples[0]), abs=0.3)
    assert np.std(late) < 0.2


def test_the_grids_own_rate_is_not_resampled():
    assert design_resampler(Fraction(250)).delay_samples == 0
    assert condition(np.sin, Fraction(250), 1).valid[0, 1].all()


@pytest.mark.parametrize("fs_hz", [Fraction(50), Fraction("62.5"), *RATES])
def test_the_delay_and_the_reach_are_bounded(fs_hz):
    resampler = design_resampler(fs_hz)
    assert resampler.taps <= history_samples(fs_hz)
    assert resampler.delay_samples / GRID_HZ <= 0.06
    np.testing.assert_allclose(resampler.weights.sum(1), 1, rtol=1e-12)


def test_a_step_in_the_offset_does_not_show_at_the_start():
    out = condition(lambda t: 3 + 0.001 * np.sin(t), Fraction(360), 2)
    assert np.abs(lead_ii(out)).max() < 0.005


@pytest.mark.parametrize(("fs_hz", "mains_hz"), [(250, 50), (500, 60)])
def test_the_st_level_is_off_by_no_more_than_the_baseline_tracker_allows(fs_hz, mains_hz):
    """A q-R-s of no net area, then 0.2 mV of ST for 250 ms, in every second; the level in its middle against PQ."""

    def wave(t: np.ndarray) -> np.ndarray:
        return complex_qrs(t % 1 - 0.3) + 0.2 * ((t % 1 > 0.33) & (t % 1 < 0.58))

    out = condition(wave, Fraction(fs_hz), 10, mains_hz)
    beat = lead_ii(out)[-250:]
    delay = round(float(out.delay_samples[0]))
    level = beat[int(0.45 * 250) + delay] - beat[int(0.2 * 250) + delay]
    assert level == pytest.approx(0.2, abs=0.05)


def test_a_lead_flat_for_long_keeps_the_filters_out_of_denormal_numbers():
    filters, state = design_filters(50), np.zeros(N_FILTER_STATE)
    mv, usable = np.zeros(300_000), np.zeros(300_000, np.uint8)
    mv[:100] = 1.0
    filter_lead(
        mv, usable, filters.baseline_step, filters.sections, state, np.empty(300_000, np.float32), usable.astype(bool)
    )
    assert (np.abs(state[state != 0]) > 1e-300).all()


@pytest.mark.parametrize("n", [1, 12, LANES])
def test_channels_side_by_side_are_filtered_as_each_alone(n):
    rng, filters = np.random.default_rng(n), design_filters(50)
    mv = rng.normal(0.2, 1.0, (2, 130, n))
    slots, usable = rng.permutation(LANES)[:n], np.zeros(130, np.uint8)
    alone, together = (np.zeros((LANES, N_FILTER_STATE)) for _ in range(2))
    expected, found = (np.zeros((LANES, 130), np.float32) for _ in range(2))
    valid = np.zeros((LANES, 130), bool)
    chosen = (filters.baseline_step, filters.sections)
    for block in range(2):
        for i, slot in enumerate(slots):
            filter_lead(mv[block, :, i].copy(), usable, *chosen, alone[slot], expected[slot], np.empty(130, bool))
        if block == 0:
            together[:] = alone  # where they begin is each channel's own
            continue
        lanes = np.zeros((130, LANES))
        lanes[:, :n] = mv[block]
        filter_together(lanes, slots, chosen, together, found, valid)
    np.testing.assert_array_equal(found, expected * valid)
    np.testing.assert_array_equal(together, alone)
    assert (valid.any(axis=1) == np.isin(np.arange(LANES), slots)).all()
