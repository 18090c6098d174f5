"""What is read of P waves: there or not, where, and like those of late beats or not."""

import numpy as np
import pytest

from ecgstream.beats import FEATURES, BeatMeasures, p_reader, p_weights
from ecgstream.evaluation.records import read_annotations, read_record
from ecgstream.evaluation.runner import condition
from ecgstream.rhythm import Rhythm
from ecgstream.waveform import GRID_HZ, HOP_SAMPLES

from ..rhythm.signals import beat_train, bump, conditioned, noise

NONE, OTHER, LATER = 30, 40, 50


@pytest.fixture(scope="module")
def told() -> dict[str, np.ndarray]:
    """60 beats at 75 a minute; one without a P wave, one with it upside down, one with it 48 ms later; by name."""
    times = 0.6 + 0.8 * np.arange(60)
    signal = beat_train(times, 52)
    for beat, size in ((NONE, -0.12), (OTHER, -0.24), (LATER, -0.12)):
        signal += bump(len(signal), times[beat] * GRID_HZ - 40, 0.02, size)
    signal += bump(len(signal), times[LATER] * GRID_HZ - 28, 0.02, 0.12)
    noisy = {"II": signal + noise(len(signal), 1, 0.003), "V1": -0.5 * signal + noise(len(signal), 2, 0.003)}
    block = conditioned(noisy)
    measured = BeatMeasures(1).step(Rhythm(1).step(block).beats, block)
    beat = np.rint((measured.sample / GRID_HZ - times[0]) / 0.8).astype(int)
    by_beat = np.full((60, len(FEATURES)), np.nan)
    by_beat[beat] = measured.features
    return {name: by_beat[:, FEATURES.index(name)] for name in p_reader.NAMES}


def test_usual_beats_have_the_p_wave_of_late_ones(told):
    usual = np.r_[20:NONE, NONE + 2 : OTHER, OTHER + 2 : LATER]
    assert np.abs(told["p_sure_less_late"][usual]).max() < 0.1
    assert told["p_form_like_late"][usual].min() > 0.9 and told["p_sure_where_late"][usual].min() > 0.7


def test_a_missing_p_wave_is_less_sure_than_late_ones(told):
    assert told["p_sure_less_late"][NONE] < -0.25 and told["p_sure_where_late"][NONE] < 0.5


def test_a_p_wave_upside_down_is_there_but_of_another_form(told):
    assert told["p_sure_less_late"][OTHER] > -0.25 and told["p_form_like_late"][OTHER] < 0


def test_a_p_wave_elsewhere_is_like_late_ones_but_not_where_they_are(told):
    assert told["p_form_like_late"][LATER] > 0.8 and told["p_sure_where_late"][LATER] < 0.3


def test_two_leads_add_up_to_what_the_network_says_place_by_place():
    rng, scores = np.random.default_rng(0), np.zeros(p_reader.PLACES, np.float32)
    wanted = np.zeros(p_reader.PLACES)
    for points in rng.normal(0, 0.3, (2, p_reader.POINTS)).astype(np.float32):
        p_reader.add_scores(points, scores)
        around = np.lib.stride_tricks.sliding_window_view(points.astype(float), p_reader.AROUND)
        hidden = _squashed(around @ p_weights.FILTERS.T + p_weights.FILTERS_BIAS)
        wanted += _squashed(hidden @ p_weights.MIX.T + p_weights.MIX_BIAS) @ p_weights.OUT + p_weights.OUT_BIAS
    np.testing.assert_allclose(scores, wanted, atol=2e-5)


def _squashed(x: np.ndarray) -> np.ndarray:
    x = np.clip(x, -3, 3)
    return x * (27 + x**2) / (27 + 9 * x**2)


def test_p_waves_that_experts_marked_are_found(recordings):
    found = [_off_ms(recordings / "ludb" / str(record)) for record in (1, 33, 77, 120)]
    off_ms = np.concatenate(found)
    assert len(off_ms) > 20 and (np.abs(off_ms) <= 60).mean() > 0.95


def _off_ms(path) -> np.ndarray:
    """How far what is read in lead II lies from the marks, of the beats that have one within reach."""
    record, marks = read_record(path), read_annotations(path, "ii")
    block = condition(record)
    lead = record.slots[record.leads.index("II")]
    signal, delay = block.ecg_mv[0, lead], round(float(block.delay_samples[0]))
    off_ms = []
    for sample in Rhythm(1).step(block).beats.sample:
        before = sample - marks.time_s[marks.symbol == "p"] * GRID_HZ
        before = before[(before > 14) & (before < -p_reader.FIRST)]
        at = sample + delay - int(block.first_hop[0]) * HOP_SAMPLES
        if len(before) and at + p_reader.START > 0:
            points = signal[at + p_reader.START :: 2][: p_reader.POINTS]
            scores = np.zeros(p_reader.PLACES, np.float32)
            p_reader.add_scores((points / np.ptp(signal[at - 30 : at + 34])).astype(np.float32), scores)
            p_reader.to_probabilities(scores, 1, np.nan)
            place = np.convolve(scores, np.ones(7), "same").argmax()
            off_ms.append((p_reader.FIRST + 2 * place + before.min()) * 1000 / GRID_HZ)
    return np.array(off_ms)
