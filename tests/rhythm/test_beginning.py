"""A segment's first beats are told, as soon as any other, and nothing is made of a T wave that comes before them."""

import numpy as np
import pytest

from ecgstream.cutting import cut
from ecgstream.evaluation.records import read_annotations, read_record
from ecgstream.evaluation.runner import condition
from ecgstream.rhythm import DETECTION_DELAY_S, Rhythm
from ecgstream.waveform import GRID_HZ, HOP_S, HOP_SAMPLES, Reason

from .signals import DELAY, beat_train, bump, conditioned, noise, spoil

SECONDS = 12
SETTLING_HOPS = 10


def heard(signal: np.ndarray, *spoilt: tuple[int, int]):
    """(time of each beat, when it was told), s, by one step and hop by hop, which must agree."""
    block = conditioned({"II": signal + noise(len(signal), 1, 0.003)})
    for hops in spoilt:
        spoil(block, *hops, Reason.NOISE)
    beats = Rhythm(1).step(block).beats
    rhythm = Rhythm(1)
    parts = [rhythm.step(cut(block, hop, hop + 1)).beats for hop in range(block.n_hops)]
    np.testing.assert_array_equal(beats.sample, np.concatenate([part.sample for part in parts]))
    np.testing.assert_array_equal(beats.confirmed_hop, np.concatenate([part.confirmed_hop for part in parts]))
    return beats.sample / GRID_HZ, (beats.confirmed_hop + 1) * HOP_S


@pytest.mark.parametrize("first_s", [0.25, 0.4, 0.6, 0.85, 1.3])
@pytest.mark.parametrize("interval_s", [0.4, 0.8, 1.4])
def test_the_first_beats_are_told_as_soon_as_any_other(first_s, interval_s):
    times_s = np.arange(first_s, SECONDS - 1, interval_s)
    at_s, told_s = heard(beat_train(times_s, SECONDS))
    np.testing.assert_allclose(at_s, times_s, atol=0.03)
    assert (told_s - at_s <= DETECTION_DELAY_S + HOP_S + (DELAY + 1) / GRID_HZ).all()


def test_a_t_wave_before_the_first_beat_is_none():
    times_s = np.arange(0.9, SECONDS - 1, 1.0)
    signal = beat_train(times_s, SECONDS) + bump(SECONDS * GRID_HZ, 0.25 * GRID_HZ, 0.045, 0.3)
    at_s, _ = heard(signal)
    np.testing.assert_allclose(at_s, times_s, atol=0.03)


def test_where_no_beat_stands_out_they_are_told_once_two_seconds_have_shown_what_is_one():
    times_s = np.arange(0.4, SECONDS - 1, 0.8)
    at_s, told_s = heard(beat_train(times_s, SECONDS, height_mv=0.3))
    assert told_s[0] == pytest.approx(SETTLING_HOPS * HOP_S)
    assert len(at_s) >= len(times_s) - 2
    np.testing.assert_allclose(at_s[1:], times_s[1 - len(at_s) :], atol=0.03)


def test_nothing_is_told_where_the_signal_was_not_usable():
    times_s = np.arange(0.45, SECONDS - 1, 0.7)
    spoilt = (2, 5)
    at_s, _ = heard(beat_train(times_s, SECONDS), spoilt)
    among = (at_s * GRID_HZ + DELAY) // HOP_SAMPLES
    assert not ((among >= spoilt[0]) & (among < spoilt[1])).any()
    np.testing.assert_allclose(at_s[at_s > 1.4], times_s[times_s > 1.4], atol=0.03)


def test_no_shape_is_learnt_from_the_first_beats():
    """The beat before a segment may leave its T wave there: beats unlike it are not ventricular."""
    times_s = np.arange(0.5, SECONDS - 1, 0.8)
    signal = beat_train(times_s, SECONDS, wide={0, 1})
    result = Rhythm(1).step(conditioned({"II": signal + noise(len(signal), 1, 0.003)}))
    assert len(result.beats.sample) == len(times_s)
    assert not result.beats.ventricular.any()


@pytest.mark.recordings
def test_ten_seconds_of_a_recording_are_heard_from_the_start(recordings):
    """Of 1,795 beats in 144 pieces of all of mitdb 298 were missed when nothing was told for two seconds."""
    found = due = 0
    for name in ("101", "119", "207", "215", "230"):
        record, annotations = read_record(recordings / "mitdb" / name), read_annotations(recordings / "mitdb" / name)
        whole = record.adu
        for from_s in range(300, 1500, 100):
            first, stop = (round(s * record.fs_hz) for s in (from_s, from_s + 10))
            piece = type(record)(
                record.name, record.fs_hz, record.leads, record.slots, whole[:, first:stop], record.mv_per_adu,
                record.baseline_adu,
            )  # fmt: skip
            told_s = np.sort(Rhythm(1).step(condition(piece, tail_s=1.0)).beats.sample) / GRID_HZ
            at_s = annotations.time_s[np.isin(annotations.symbol, list("NLRAaJSVFejEQ"))] - from_s
            at_s = at_s[(at_s >= 0.2) & (at_s < 2.0)]
            due += len(at_s)
            found += sum(np.abs(told_s - beat_s).min(initial=9) <= 0.15 for beat_s in at_s)
    assert due > 100 and found >= 0.97 * due, f"{found} of {due}"
