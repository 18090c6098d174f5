"""Chunks: contiguous in number, time and samples, due at their last sample."""

from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.faults import Faults
from simulators.feed import Bed, chunks
from simulators.programme import Part, play_parts
from simulators.script import episode

from .signals import patient

START_NS = 1_700_000_000_000_000_000


@settings(deadline=None, max_examples=40)
@given(st.sampled_from([125, 250, 360, 500]), st.floats(0.02, 3), st.floats(1, 11))
def test_chunks_are_the_whole_signal_in_order(fs, chunk_s, seconds):
    one = patient(episode("sinus", 0, 12), leads=("II",), fs=fs)
    due = list(chunks(Bed("bed", one, START_NS, 0.25), seconds, chunk_s))
    assert [d.content.sequence for d in due] == list(range(len(due)))
    samples = np.concatenate([d.content.ecg.samples for d in due], axis=1)
    np.testing.assert_array_equal(samples, one.read(0, round(seconds * fs))[0].samples)
    start = 0
    for d in due:
        assert d.content.start_ns == START_NS + round(Fraction(start, fs) * 10**9)
        start += d.content.ecg.samples.shape[1]
        assert abs(d.due_s - (0.25 + (start - 1) / fs)) < 1e-9


def test_beds_of_a_ward_take_turns():
    parts = [Part(f"bed-{i}", patient(episode("sinus", 0, 9), leads=("II",)), 5, {}) for i in range(4)]
    due = list(play_parts(parts, START_NS, 1.0, Faults(), 0))
    assert [d.stream_id for d in due] == ["bed-0", "bed-1", "bed-2", "bed-3"] * 5
    np.testing.assert_allclose(np.diff([d.due_s for d in due]), 0.25)
    for d in due:
        last_ns = d.content.start_ns + (d.content.ecg.samples.shape[1] - 1) * 4_000_000
        assert abs(START_NS + d.due_s * 1e9 - last_ns) <= 1
