"""Presets for children, on simulated ones: beats are found, and each limit raises its own alarm and no other.

No recording of a child is at hand: narrow, small and fast beats are all that is tried here.
"""

import numpy as np
import pytest

from ecgstream.clock import ManualClock
from ecgstream.evaluation.ec57 import match_beats
from ecgstream.metrics import Metrics
from ecgstream.observed import Step
from ecgstream.pipeline import Pipeline
from ecgstream.settings import Settings
from ecgstream.sources.message import Message
from ecgstream.waveform import GRID_HZ, TECHNICAL, Chunk, Condition
from ecgstream.wire.codec import encode, encode_chunk
from simulators.patient import Patient
from simulators.script import BedScript, episode

FS_HZ = 250
USUAL_S, STOP_S = 40, 100
USUAL_BPM = {"neonate": 140, "child": 100}
TOO_SLOW, TOO_FAST = Condition.BRADYCARDIA, Condition.TACHYCARDIA
FAR_TOO_SLOW, FAR_TOO_FAST = Condition.EXTREME_BRADYCARDIA, Condition.EXTREME_TACHYCARDIA


def bed(age: str, rhythm: str, bpm: float | None, seed: int) -> Patient:
    """A usual rate at first, then what is tried."""
    scenes = episode("sinus", 0, USUAL_S, USUAL_BPM[age]), episode(rhythm, USUAL_S, STOP_S, bpm)
    return Patient(BedScript("bed", ("I", "II", "V1"), FS_HZ, seed, scenes, age))


def watched(patient: Patient, preset: str) -> tuple[dict[Condition, float], np.ndarray]:
    """(Conditions told that are not technical and when first, beats found), both in s, chunk by chunk through the
    daemon's pipeline."""
    steps: list[Step] = []
    settings = Settings(alarms={"preset": preset}, diagnosis={"enabled": False})
    pipeline = Pipeline(settings, None, Metrics(), ManualClock(), steps.append)
    for second in range(STOP_S):
        groups = patient.read(second * FS_HZ, (second + 1) * FS_HZ)
        content_type, payload = encode(encode_chunk(Chunk("bed", second, second * 10**9, groups)))
        pipeline.process([Message(payload, content_type, second * 10**9)])
    updates = [update for step in reversed(steps) for update in reversed(step.updates)]
    told = {update.condition: update.decided / GRID_HZ for update in updates if update.condition not in TECHNICAL}
    return told, np.concatenate([step.rhythm.beats.sample for step in steps]) / GRID_HZ


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("preset", "bpm", "alarm"),
    [
        *(("neonate", bpm, None) for bpm in (120, 150, 180)),
        *(("neonate", 92, TOO_SLOW), ("neonate", 72, FAR_TOO_SLOW)),
        *(("neonate", 210, TOO_FAST), ("neonate", 235, FAR_TOO_FAST)),
        *(("child", bpm, None) for bpm in (85, 115, 145)),
        *(("child", 66, TOO_SLOW), ("child", 50, FAR_TOO_SLOW)),
        *(("child", 170, TOO_FAST), ("child", 190, FAR_TOO_FAST)),
    ],
)
def test_a_rate_raises_its_own_alarm_and_its_beats_are_found(preset, bpm, alarm, seed):
    patient = bed(preset, "sinus", bpm, seed)
    told, found_s = watched(patient, preset)
    assert set(told) == ({alarm} if alarm is not None else set())
    true_s = patient.beats.time_s
    true_s, found_s = (times[(times > 5) & (times < STOP_S - 2)] for times in (true_s, found_s))
    matched = np.count_nonzero(match_beats(true_s, found_s) >= 0)
    assert matched >= 0.995 * len(true_s) and matched >= 0.995 * len(found_s)


@pytest.mark.parametrize(("preset", "asystole_s"), [("neonate", 3), ("child", 4)])
def test_a_heart_that_stops_is_told_by_its_own_limit(preset, asystole_s):
    patient = bed(preset, "asystole", None, 0)
    told, _ = watched(patient, preset)
    assert asystole_s < told[Condition.ASYSTOLE] - patient.beats.time_s[-1] < asystole_s + 1.0


@pytest.mark.parametrize("preset", ["neonate", "child"])
def test_ventricular_tachycardia_is_told(preset):
    told, _ = watched(bed(preset, "ventricular_tachycardia", 190, 0), preset)
    assert Condition.VENTRICULAR_TACHYCARDIA in told and FAR_TOO_FAST not in told


def test_adult_limits_are_not_for_a_newborn():
    told, _ = watched(bed("neonate", "sinus", 150, 0), "adult")
    assert FAR_TOO_FAST in told
