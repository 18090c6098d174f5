"""What stays readable of a stream's ECG, for strips: the same samples however they came."""

from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgstream.waveform import CODE_MISSING

from .monitor import RATES, Listener, chunk, cut, layout, signal

SECONDS = 60


class Reader(Listener):
    """Reads, at every hop that is handed out, the 20 s before its end and the 20 s before an end up to a hop ago."""

    def __init__(self, **settings: float):
        super().__init__(**settings)
        self.read: dict[int, np.ndarray] = {}

    def take(self) -> None:
        while blocks := self.intake.take(self.max_hops):
            for block in blocks:
                for hop in range(int(block.first_hop[0]), int(block.first_hop[0]) + block.n_hops):
                    end = (hop + 1) * 50
                    for stop in (end, end - 49):
                        self.read[stop] = self.intake.stretch(0, max(stop - 5000, 0), stop, end - 1).samples


@settings(deadline=None, max_examples=30)
@given(
    fs=st.sampled_from(RATES),
    edges=st.lists(st.integers(0, 10_000), max_size=40),
    every=st.integers(1, 20),
)
def test_the_last_20_s_are_there_at_every_hop_however_the_samples_came(fs, edges, every):
    samples = signal(int(SECONDS * fs))
    reader = Reader(ring_s=12.0)
    bounds = [int(edge * SECONDS * fs / 10_000) for edge in edges] + list(range(0, samples.shape[1], int(10 * fs)))
    for n, one in enumerate(cut(samples, bounds, fs)):
        reader.accept(one)
        if n % every == 0:
            reader.take()
    reader.take()
    assert len(reader.read) > 2 * 5 * (SECONDS - 1)
    for stop, got in reader.read.items():
        first = -(-max(stop - 5000, 0) * fs // 250)
        expected = samples[:, int(first) : int((stop - 1) * fs // 250) + 1]
        assert np.array_equal(got, expected), stop


def test_what_was_received_behind_the_stop_is_left_out_and_what_never_came_is_missing():
    reader = Reader()
    samples = signal(40 * 250)
    for one in cut(samples, range(250, 40 * 250, 250)):
        if one.sequence not in (5, 6):
            reader.accept(one)
    reader.take()
    got = reader.intake.stretch(0, 30 * 250, 35 * 250, 35 * 250 - 1).samples
    assert np.array_equal(got, samples[:, 30 * 250 : 35 * 250])
    assert (reader.read[10 * 250][:, 5 * 250 : 7 * 250] == CODE_MISSING).all()
    assert np.array_equal(reader.read[10 * 250][:, : 5 * 250], samples[:, : 5 * 250])


def test_the_segment_before_stays_readable_for_10_s_of_the_next():
    reader = Reader()
    first, second = signal(20 * 250, 2), signal(30 * 500, 3, seed=1)
    for one in cut(first, range(250, 20 * 250, 250)):
        reader.accept(one)
    reader.take()
    held = []
    for k in range(30):
        reader.accept(chunk(20 + k, 20 + k, second[:, k * 500 : (k + 1) * 500], layout(Fraction(500), 3)))
        reader.take()
        stretch = reader.intake.stretch(0, 15 * 250, 25 * 250, 20 * 250 - 1)
        held.append(stretch is not None)
        if stretch:
            assert stretch.layout.fs_hz == 250 and stretch.first == 15 * 250
            assert np.array_equal(stretch.samples[:, : 5 * 250], first[:, 15 * 250 :])
            assert (stretch.samples[:, 5 * 250 :] == CODE_MISSING).all()
    assert held[:11] == [True] * 11 and not any(held[13:])
    now = reader.intake.stretch(0, 18 * 250, 21 * 250, 21 * 250 - 1)
    assert now.layout.fs_hz == 500 and (now.samples[:, : -now.first] == CODE_MISSING).all()
