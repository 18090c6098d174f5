"""Paced beats are told Q, by marks and by pulses found; nobody else's are."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgstream.conditioning import PACE_LATE, Conditioner
from ecgstream.conditioning.record import record_block
from ecgstream.cutting import cut
from ecgstream.diagnosis.beats import CLASSES, BeatClasses, ClassifiedBeats, shipped_beat_head
from ecgstream.diagnosis.pacing import BEFORE_S, PacedBeats
from ecgstream.rhythm import Rhythm
from ecgstream.waveform import GRID_HZ, Conditioned
from simulators.patient import Patient
from simulators.script import BedScript, episode

from ..rhythm.signals import conditioned

Q = CLASSES.index("Q")
SECONDS = 60


def played(rhythm: str, marks: bool, fs_hz: int = 500) -> Conditioned:
    """A simulated bed, with the monitor's marks or without."""
    script = BedScript("bed", ("II", "V1"), fs_hz, 3, (episode(rhythm, 0, SECONDS),))
    (group,) = Patient(script).read(0, SECONDS * fs_hz)
    channels = group.layout.channels
    mv_per_adu = [1 / channel.gain for channel in channels]
    block = record_block(group.samples, group.layout.fs_hz, group.layout.slots, mv_per_adu, [0, 0])
    marked = np.zeros(block.raw.shape[2], bool)
    for span in group.pacer:
        marked[block.history + span.start : block.history + span.stop] = marks
    return Conditioner(50, 1).step(replace(block, pacer=marked[None]))


def told(block: Conditioned) -> ClassifiedBeats:
    beats = Rhythm(1).step(block).beats
    return BeatClasses(1, shipped_beat_head()).step(beats, block, np.zeros((1, block.n_hops), bool))


@pytest.mark.parametrize(("marks", "fs_hz"), [(True, 500), (False, 500), (True, 250), (True, 125)])
def test_paced_beats_are_told_q(marks, fs_hz):
    found = told(played("paced", marks, fs_hz))
    assert len(found.sample) > 50
    assert found.paced.mean() > 0.98
    assert (found.label[found.paced] == Q).all() and np.isfinite(found.probability).all()


@pytest.mark.parametrize("rhythm", ["sinus", "bigeminy", "ventricular_tachycardia"])
def test_nobody_elses_are(rhythm):
    found = told(played(rhythm, True))
    assert len(found.sample) > 50 and not found.paced.any() and Q not in found.label


def with_pulses(samples: list[int], n_hops: int = 20) -> Conditioned:
    block = conditioned({"II": np.zeros(n_hops * 50)})
    block.pace[0, np.array(samples, np.int64) + PACE_LATE] = True
    return block


def chances(pulses: list[int], beats: list[int], cuts: tuple[int, ...] = (), n_hops: int = 20) -> list[float]:
    """How likely each beat was set off; it is told 3 s later at most, a bed moves at every cut."""
    room, found, edges = PacedBeats(1), [], [0, *cuts, n_hops]
    for start, stop in zip(edges, edges[1:], strict=False):
        now = [b for b in beats if start <= b // 50 + 3 < stop or (stop == n_hops and b // 50 + 3 >= stop)]
        block = cut(with_pulses(pulses, n_hops), start, stop)
        found += room.step(block, np.zeros(len(now), np.int64), np.array(now, np.int64)).tolist()
        moved = PacedBeats(1)
        moved.restore(0, room.save(0))
        room = moved
    return found


@pytest.mark.parametrize(
    ("before_s", "chance"), [(0.0, 0), (BEFORE_S[0], 2 / 3), (0.08, 2 / 3), (BEFORE_S[1], 2 / 3), (0.18, 0)]
)
def test_a_pulse_counts_shortly_before_a_beat_only(before_s, chance):
    assert chances([300], [300 + round(before_s * GRID_HZ)]) == [pytest.approx(chance)]


@pytest.mark.parametrize(
    ("pulses", "beats", "last"),
    [
        pytest.param(range(20, 900, 100), range(40, 900, 100), 9 / 10, id="every one captures"),
        pytest.param(range(20, 900, 100), range(40, 900, 400), 3 / 10, id="every fourth does"),
        pytest.param(
            sorted([*range(20, 900, 100), *range(55, 900, 100)]), range(75, 900, 100), 9 / 10, id="two a beat"
        ),
        pytest.param([*range(20, 60, 2)], [80], 2 / 3, id="one that is told again and again"),
    ],
)
def test_what_the_last_pulses_did_says_how_likely(pulses, beats, last):
    assert chances([*pulses], [*beats])[-1] == pytest.approx(last)


@pytest.mark.parametrize("cuts", [(4, 8, 12, 16), (1, 2, 3, 19)])
def test_cut_hops_and_moves_change_nothing(cuts):
    pulses, beats = [*range(10, 900, 37)], [*range(30, 800, 74)]
    assert chances(pulses, beats, cuts) == chances(pulses, beats)


@settings(deadline=None)
@given(st.sets(st.integers(8, 900), max_size=40), st.sets(st.integers(0, 900), max_size=30))
def test_each_chance_is_that_of_the_rule_of_succession(pulses: set[int], beats: set[int]):
    kept: list[int] = []
    for pulse in sorted(pulses):
        kept += [pulse] * (not kept or pulse - kept[-1] > 5)
    followed, wanted = set(), []
    for beat in sorted(beats):
        setting_off = {p for p in kept if 2 <= beat - p <= 40}
        followed |= setting_off
        past = [p for p in kept if beat - p >= 2]
        heeded = [p for p, later in zip(past, [*past[1:], beat + 55], strict=False) if later - p > 55][-8:]
        wanted.append((len(followed & {*heeded}) + 1) / (len(heeded) + 2) if setting_off else 0.0)
    assert chances(sorted(pulses), sorted(beats)) == pytest.approx(wanted)


def test_a_new_segment_forgets():
    room = PacedBeats(1)
    nobody = np.empty(0, np.int64)
    room.step(with_pulses([300]), nobody, nobody)
    assert room.step(with_pulses([]), np.zeros(1, np.int64), np.array([320])).tolist() == [0]


def test_pulses_that_capture_nothing_leave_beats_their_class():
    """Own beats at 75 a minute, marks at 50: one in six comes shortly before a beat by chance."""
    block = played("sinus", False)
    block.pace[0, 300::300] = True
    found = told(block)
    assert found.paced.mean() < 0.03 and (found.label[~found.paced] != Q).all()
