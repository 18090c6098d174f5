"""Features say what their names say of strips whose rhythm is known."""

import numpy as np
import pytest

from ecgstream.strips import FEATURES, measure_strip
from ecgstream.strips.features import STRIP_HOP
from ecgstream.strips.shapes import STRIP_HZ

from ..rhythm.signals import beat_train, noise

SECONDS = 30


def features(times_s, signal=None, usable=None) -> dict[str, float]:
    times_s = np.asarray(times_s)
    signal = beat_train(times_s, SECONDS) + noise(SECONDS * 250, 1) if signal is None else signal
    hops = SECONDS * STRIP_HZ // STRIP_HOP
    out = np.empty(len(FEATURES))
    usable = np.ones(hops, np.uint8) if usable is None else usable
    beats = np.rint(times_s * STRIP_HZ).astype(np.int64)
    ecg, no = np.ascontiguousarray(signal[::2], np.float32), np.zeros(len(beats), np.uint8)
    measure_strip(ecg, beats, no, np.ones(hops, np.float32), usable, out)
    return dict(zip(FEATURES, out.tolist(), strict=True))


EVEN = np.arange(0.6, 29.2, 0.8)
UNEVEN = np.cumsum(np.random.default_rng(5).uniform(0.45, 1.15, 36))


def test_names_are_unique_and_every_feature_is_told():
    found = features(EVEN)
    assert len(set(FEATURES)) == len(FEATURES)
    unknown = {name for name, value in found.items() if not np.isfinite(value)}
    assert unknown == {"qrs.other_width", "qrs.other_early", "qrs.other_pause"}  # all beats are alike


def test_an_even_rhythm_has_its_rate_and_no_spread():
    found = features(EVEN)
    assert found["rr.median"] == pytest.approx(0.8) and found["rr.rmssd"] < 0.01
    assert found["lorenz.origin"] == 1 and found["ectopy.premature"] == 0
    assert found["p.alike_median"] > 0.9 and found["qrs.families"] == 1


def test_an_irregular_rhythm_differs_in_spread_entropy_and_lorenz_plot():
    even, uneven = features(EVEN), features(UNEVEN[UNEVEN < 29.2])
    assert uneven["entropy.coefficient"] > even["entropy.coefficient"] + 1
    assert uneven["lorenz.evidence"] > 0.5 > even["lorenz.evidence"]
    assert uneven["rr.cv"] > 0.15


def test_premature_beats_with_a_pause_are_counted_as_such():
    times = EVEN.copy()
    times[[8, 16, 24]] -= 0.3
    found = features(times, beat_train(times, SECONDS, wide={8, 16, 24}) + noise(SECONDS * 250, 2))
    n = len(times) - 1
    assert found["ectopy.premature"] == pytest.approx(3 / n) and found["ectopy.compensated"] == pytest.approx(3 / n)
    assert found["ectopy.rest_rmssd"] < 0.02
    assert found["qrs.second_share"] == pytest.approx(3 / (n + 1)) and found["qrs.other_width"] > found["qrs.width"]


def test_fibrillatory_waves_stand_out_by_their_frequency():
    waves = 0.15 * np.sin(2 * np.pi * 6.1 * np.arange(SECONDS * 250) / 250)
    found = features(EVEN, beat_train(EVEN, SECONDS) + waves)
    assert found["f.peak_hz"] == pytest.approx(6.1, abs=0.4)
    assert found["f.power"] > features(EVEN)["f.power"] + 2


def test_polarity_does_not_change_the_waves():
    signal = beat_train(EVEN, SECONDS) + noise(SECONDS * 250, 3)
    up, down = features(EVEN, signal), features(EVEN, -signal)
    for name in ("p.share", "p.alike_median", "p.at", "t.share", "beat.at_16ms", "qrs.width", "rr.cv"):
        assert up[name] == pytest.approx(down[name], rel=1e-4, abs=1e-6), name


def test_no_beats_and_no_signal_are_told_without_a_fault():
    silent = features([], np.zeros(SECONDS * 250))
    assert silent["rr.count"] == 0 and np.isnan(silent["rr.mean"]) and silent["quality.longest_gap_s"] == SECONDS
    few = features([1.0, 2.0])
    assert few["rr.count"] == 1 and np.isnan(few["p.share"])
