"""Marks of pace pulses lie in blocks where their samples lie, however the stream was cut, and nowhere else."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ecgstream.intake import Intake
from ecgstream.settings import IntakeSettings
from ecgstream.waveform import Chunk, RawBlock, SampleRange

from .monitor import cut, signal

N = 5000
FS = Fraction(500)


def marked(chunks: list[Chunk], at: np.ndarray) -> list[Chunk]:
    """Chunks of one stream that mark the native samples ``at``."""
    found, start = [], 0
    for one in chunks:
        stop = start + one.ecg.samples.shape[1]
        ranges = tuple(SampleRange(int(a) - start, int(a) - start + 1, 0) for a in at if start <= a < stop)
        found.append(replace(one, groups=(replace(one.ecg, pacer=ranges),)))
        start = stop
    return found


def assert_in_place(block: RawBlock, at: np.ndarray) -> None:
    first = int(block.first_native[0]) - block.history
    found = np.flatnonzero(block.pacer[0]) + first
    assert found.tolist() == [a for a in at.tolist() if first <= a < first + block.raw.shape[2]]


def judge(blocks: list[RawBlock], at: np.ndarray) -> None:
    for block in blocks:
        if block.pacer is None:
            assert at[0] >= block.first_native[0] + block.raw.shape[2] - block.history
        else:
            assert_in_place(block, at)


@settings(deadline=None, max_examples=25)
@example(edges={599, 2600, 2601}, at={2600})  # the room of the first long chunk is not free when the next comes
@given(edges=st.sets(st.integers(1, N - 1), max_size=12), at=st.sets(st.integers(0, N - 101), min_size=1, max_size=20))
def test_marks_lie_where_their_samples_lie(edges, at):
    places = np.array(sorted(at))
    intake = Intake(IntakeSettings())
    for one in marked(cut(signal(N), edges, FS), places):
        while not intake.accept(one, one.start_ns):
            assert (blocks := intake.take(25)), "no room, and nothing to take"
            judge(blocks, places)
        judge(intake.take(25), places)


def test_a_bed_without_marks_beside_one_with_them_has_none():
    intake = Intake(IntakeSettings())
    (paced,) = marked(cut(signal(500), (), FS, "paced"), np.array([100]))
    (other,) = cut(signal(500), (), FS, "other")
    for one in (paced, other):
        intake.accept(one, one.start_ns)
    (block,) = intake.take(5)
    assert block.pacer.sum(axis=1).tolist() == [1, 0]


def test_a_bed_that_leaves_takes_its_marks_along():
    intake = Intake(IntakeSettings())
    (paced,) = marked(cut(signal(500), (), FS), np.array([100]))
    intake.accept(paced, paced.start_ns)
    intake.take(5)
    intake.forget(0)
    (other,) = cut(signal(500), (), FS, "other")
    intake.accept(other, other.start_ns)
    (block,) = intake.take(5)
    assert block.pacer is None
