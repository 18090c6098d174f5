"""The clock fit tells time through jitter and drift."""

from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import pytest

from ecgstream.intake.clock_fit import ClockFit
from ecgstream.intake.tracks import no_tracks

from .monitor import SECOND_NS, START_NS, Listener, chunk, layout


def begun() -> ClockFit:
    fit = ClockFit(no_tracks(1).of(0))
    fit.restart(0.0, START_NS)
    return fit


def fitted(n: int, rate: float, jitter_s: float, seed: int = 0) -> ClockFit:
    """A fit through ``n`` one-second chunks of a clock that runs ``rate`` times as long as it should."""
    rng = np.random.default_rng(seed)
    fit = begun()
    for x in range(n):
        fit.observe(x, START_NS + round((x * rate + jitter_s * rng.uniform(-1, 1)) * SECOND_NS))
    return fit


def error_s(fit: ClockFit, x_s: float, rate: float) -> float:
    return abs(fit.time_ns(x_s) - START_NS - x_s * rate * SECOND_NS) / SECOND_NS


def test_an_exact_clock_is_told_exactly():
    fit = fitted(1000, 1.0, 0.0)
    assert [fit.time_ns(x) for x in (0, 1, 999.5)] == [START_NS + round(x * SECOND_NS) for x in (0, 1, 999.5)]


@pytest.mark.parametrize("seed", range(5))
def test_jitter_averages_out(seed):
    assert error_s(fitted(120, 1.0, 0.1, seed), 120, 1.0) < 0.05


def test_a_monitor_that_says_500_and_delivers_499_3_is_followed_for_a_day():
    rate = 500 / 499.3
    for n in (60, 600, 86_400):
        fit = fitted(n, rate, 0.02)
        assert error_s(fit, n, rate) < 0.025
        assert fit.drift == pytest.approx(rate - 1, abs=3e-4 if n > 100 else 1e-3)


def test_what_was_long_ago_is_forgotten():
    """Two hours 0.1 % slow, then one hour 0.1 % fast, as a monitor that warms up."""
    fit, at_s = begun(), 0.0
    for x in range(10_800):
        fit.observe(x, START_NS + round(at_s * SECOND_NS))
        at_s += 1.001 if x < 7200 else 0.999
    assert abs(fit.time_ns(10_800) - START_NS - at_s * SECOND_NS) / SECOND_NS < 0.01


def test_drift_is_bounded_whatever_the_clock_says():
    assert abs(fitted(50, 1.5, 0.0).drift) <= 0.01


def test_state_survives_json():
    fit = fitted(50, 1.001, 0.05)
    again = begun()
    again.restore(json.loads(json.dumps(fit.save())))
    assert again.time_ns(51.7) == fit.time_ns(51.7) and again.drift == fit.drift


def test_drift_and_jitter_add_and_drop_no_sample():
    """Ten minutes of 499.3 Hz declared as 500: every sample is placed, no gap is seen, and time is the monitor's."""
    rng, listener, second = np.random.default_rng(1), Listener(), np.zeros((2, 500), np.int16)
    for k in range(600):
        start_s = k * 500 / 499.3 + rng.uniform(-0.05, 0.05)
        listener.accept(chunk(k, start_s, second, layout(Fraction(500))))
        listener.take()
    counts = listener.intake.counts
    assert counts["gap"] == counts["clock_step"] == counts["clock_glitch"] == 0
    assert listener.ears["bed"].hops == list(range(3000))
    told_s = (listener.intake.time_ns(0, 600 * 250) - START_NS) / SECOND_NS
    assert told_s == pytest.approx(600 * 500 / 499.3, abs=0.05)
