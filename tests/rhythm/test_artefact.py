"""A peak that looks like no recent beat, amid unrest, is no beat; ectopic beats and new rhythms are."""

import numpy as np
import pytest

from ecgstream.evaluation.ec57 import BeatList, confusion, figures, reference_beats
from ecgstream.evaluation.records import read_annotations, read_record
from ecgstream.evaluation.runner import run_rules
from ecgstream.rhythm import Rhythm
from ecgstream.waveform import GRID_HZ

from .signals import beat_train, bump, conditioned, noise

SECONDS = 30
TIMES_S = np.arange(0.5, SECONDS - 1, 0.9)
AT_S = TIMES_S[20] + 0.45


def electrode_step(at_s: float) -> np.ndarray:
    """The trace jumps by 4 mV and creeps back, amid tremor."""
    t = np.arange(SECONDS * GRID_HZ) / GRID_HZ - at_s
    trace = 4.0 / (1 + np.exp(-np.clip(t / 0.008, -50, 50))) * np.exp(-np.maximum(t, 0) / 0.5)
    for number, moment_s in enumerate(np.arange(at_s - 0.25, at_s + 0.4, 0.06)):
        trace += bump(len(trace), moment_s * GRID_HZ, 0.012, 0.1 * (-1) ** number)
    return trace


def stepped(signal: np.ndarray, moved: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(beats, the last peaks that stood out like one), s; only the second lead is moved."""
    leads = {"II": signal + noise(len(signal), 3), "V1": -0.6 * signal + moved + noise(len(signal), 4)}
    rhythm = Rhythm(1)
    beats = rhythm.step(conditioned(leads)).beats.sample / GRID_HZ
    return beats, rhythm._state["recent_sample"][0] / GRID_HZ


def near(times_s: np.ndarray, at_s: float) -> bool:
    return bool((np.abs(times_s - at_s) < 0.15).any())


def test_a_step_of_one_electrode_stands_out_but_is_no_beat():
    beats, _ = stepped(beat_train(TIMES_S, SECONDS), electrode_step(AT_S))
    signal = beat_train(TIMES_S[TIMES_S < AT_S + 3], SECONDS)
    _, stood_out = stepped(signal, electrode_step(AT_S))
    assert near(stood_out, AT_S) and not near(beats, AT_S)
    assert all(near(beats, time_s) for time_s in TIMES_S[5:])


def test_a_lone_broad_beat_of_a_new_shape_is_a_beat():
    times = np.sort(np.append(TIMES_S, AT_S))
    beats, _ = stepped(beat_train(times, SECONDS, wide={21}), np.zeros(SECONDS * GRID_HZ))
    assert near(beats, AT_S)


def test_no_beat_of_a_new_tachycardia_is_refused():
    fast = np.arange(AT_S, AT_S + 5, 60 / 170)
    times = np.concatenate([TIMES_S[TIMES_S < AT_S - 0.3], fast])
    wide = set(range(len(times) - len(fast), len(times)))
    beats, _ = stepped(beat_train(times, SECONDS, wide), np.zeros(SECONDS * GRID_HZ))
    assert all(near(beats, time_s) for time_s in fast)


def test_so_few_beats_refuse_nothing():
    """The same step behind the first beats heard is taken for one: what beats look like here is not known yet."""
    at_s = TIMES_S[3] + 0.45
    beats, _ = stepped(beat_train(TIMES_S, SECONDS), electrode_step(at_s))
    assert near(beats, at_s)


@pytest.mark.recordings
def test_movement_adds_fewer_beats_to_record_105(recordings):
    """65 beats too many and 9 missed without the refusals, whose odds have not seen this record."""
    record, annotations = (read(recordings / "mitdb" / "105") for read in (read_record, read_annotations))
    reference = reference_beats(annotations.time_s, annotations.symbol)
    result = run_rules(record)
    found = BeatList(np.sort(np.concatenate([result.beats.sample, result.beats_in_noise.sample])) / GRID_HZ)
    of = figures(confusion(reference, found, 300.0, record.duration_s), with_classes=False)["qrs"]
    assert of["fp"] <= 45 and of["fn"] <= 25
