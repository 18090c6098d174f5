"""What must hold however chunks are cut, ordered, repeated or lost."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgstream.waveform import CODE_MISSING

from .monitor import RATES, SECOND_NS, Listener, chunk, cut, layout, listen, same, signal

SECONDS = 12
PROPERTY = settings(max_examples=20, deadline=None)


def edges(seconds: int = SECONDS, fs: Fraction = Fraction(250), most: int = 40):
    return st.lists(st.integers(1, int(seconds * fs) - 1), max_size=most)


def hops_in(n_native: int, fs: Fraction) -> int:
    return int(-(-n_native * 250 // fs)) // 50


@pytest.mark.parametrize("fs", RATES)
@PROPERTY
@given(data=st.data())
def test_framing_does_not_matter(fs: Fraction, data: st.DataObject):
    samples = signal(int(SECONDS * fs))
    listener = Listener(max_hops=data.draw(st.integers(1, 60)))
    every = data.draw(st.integers(1, 20))
    for k, one in enumerate(cut(samples, data.draw(edges(fs=fs)), fs)):
        listener.accept(one)
        if k % every == 0:
            listener.take()
    listener.take()
    ear = listener.ears["bed"]
    n_hops = hops_in(samples.shape[1], fs)
    assert ear.hops == list(range(n_hops))
    stop = (50 * n_hops - 1) * fs // 250 + 1
    assert np.array_equal(ear.segments[0], samples[:, :stop])


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_order_does_not_matter_within_lateness(data: st.DataObject):
    """Chunks up to 1.5 s late, with jittery clocks and some lost, place as if they had come in order."""
    chunks = cut(signal(SECONDS * 250), data.draw(edges()))
    draw_each = st.lists(st.integers(-200, 200), min_size=len(chunks), max_size=len(chunks))
    jitter_ms, delay_ms = data.draw(draw_each), data.draw(draw_each)
    lost = data.draw(st.sets(st.integers(1, len(chunks)), max_size=5))
    jittery = [
        chunk(c.sequence, 1e-9 * (c.start_ns - chunks[0].start_ns) + 1e-3 * ms, c.ecg.samples)
        for c, ms in zip(chunks, jitter_ms, strict=True)
        if c.sequence not in lost
    ]
    end_ms = {c.sequence: c.start_ns // 10**6 + 4 * c.ecg.samples.shape[1] for c in chunks}
    arrival = {c.sequence: end_ms[c.sequence] + 3.5 * (delay_ms[c.sequence] + 200) for c in jittery}
    shuffled = jittery[:1] + sorted(jittery[1:], key=lambda c: arrival[c.sequence])
    assert same(listen(shuffled), listen(jittery))


@PROPERTY
@given(data=st.data())
def test_a_repeated_chunk_changes_nothing(data: st.DataObject):
    chunks = cut(signal(SECONDS * 250), data.draw(edges()))
    repeats = data.draw(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), max_size=10))
    again = list(chunks)
    for at, of in repeats:
        of %= len(chunks)
        again.insert(again.index(chunks[of]) + 1 + at % len(chunks), chunks[of])
    listener = Listener()
    assert same(listener.play(again), listen(chunks))
    assert listener.intake.counts["duplicate"] == len(repeats)


@PROPERTY
@given(data=st.data())
def test_a_gap_is_exactly_what_is_missing(data: st.DataObject):
    """Lost chunks are missing samples at their very place, and everything else is where it was."""
    samples, tail = signal((SECONDS + 5) * 250), range(SECONDS * 250, (SECONDS + 5) * 250, 250)
    chunks = cut(samples, [*data.draw(edges()), *tail])
    lost = data.draw(st.sets(st.integers(1, len(chunks) - 6), max_size=8)) if len(chunks) > 6 else set()
    listener = Listener()
    ear = listener.play(c for c in chunks if c.sequence not in lost)
    expected, missing = samples.copy(), 0
    at = 0
    for c in chunks:
        n = c.ecg.samples.shape[1]
        if c.sequence in lost:
            expected[:, at : at + n] = CODE_MISSING
            missing += n
        at += n
    assert ear.hops == list(range(5 * (SECONDS + 5)))
    assert np.array_equal(ear.segments[0], expected)
    assert listener.intake.counts["gap_samples"] == missing


@PROPERTY
@given(
    mine=edges(),
    others=st.lists(st.tuples(st.sampled_from(RATES), st.integers(1, 3), st.integers(1, 500)), min_size=1, max_size=5),
    every=st.integers(1, 50),
)
def test_neighbours_do_not_matter(mine, others, every):
    listener = Listener(ring_s=14.0)
    queues = [cut(signal(SECONDS * 250), mine)]
    for k, (fs, n_leads, step) in enumerate(others):
        n = int(SECONDS * fs)
        queues.append(cut(signal(n, n_leads, seed=k + 1), range(step, n, step), fs, f"n{k}"))
    mixed = sorted((c for queue in queues for c in queue), key=lambda c: c.start_ns)
    for k, one in enumerate(mixed):
        listener.accept(one)
        if k % every == 0:
            listener.take()
    listener.take()
    assert same(listener.ears["bed"], listen(queues[0]))
    assert set(listener.ears) == {"bed", *(f"n{k}" for k in range(len(others)))}


@PROPERTY
@given(data=st.data())
def test_a_burst_longer_than_the_ring_loses_nothing(data: st.DataObject):
    """Nobody takes until intake says it is full; gaps longer than the ring lie among the chunks."""
    samples = signal(60 * 250)
    chunks = cut(samples, range(0, samples.shape[1], data.draw(st.integers(100, 2000))))
    lost_s = data.draw(st.integers(0, 21))
    from_s = data.draw(st.integers(3, 25))
    kept = [c for c in chunks if not from_s <= (c.start_ns - chunks[0].start_ns) / SECOND_NS < from_s + lost_s]
    hoarding = Listener(ring_s=12.0)
    ear = hoarding.play(kept)
    eager = Listener(ring_s=12.0)
    for one in kept:
        eager.accept(one)
        eager.take()
    assert hoarding.intake.counts["blocked"] > 0
    assert same(ear, eager.ears["bed"])
    assert ear.hops == list(range(300))
    assert (ear.segments[0] != CODE_MISSING).sum() == sum(c.ecg.samples.size for c in kept)


def test_the_layouts_of_these_tests_are_shared_objects():
    assert layout(Fraction(250), 2) is layout(Fraction(250), 2)
