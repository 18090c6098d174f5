"""The newest seconds of a bed's leads: what is kept, what a gap leaves, and lowest and highest."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgstream.web.waves import BUCKET, FINE_S, MISSING, WAVE_HZ, Wave, WaveRing, low_and_high, packed

LEADS = ("I", "II")


def wave(first: int, n: int) -> Wave:
    """Each sample says its number; lead II the negative."""
    numbers = np.arange(first, first + n) % 30_000
    return Wave("bed-1", first, LEADS, np.stack((numbers, -numbers)).astype(np.int16))


@given(st.lists(st.integers(1, 40), min_size=1, max_size=14), st.integers(0, 9000))
def test_what_was_written_in_any_pieces_is_read_back(pieces, after):
    ring, at = WaveRing(LEADS), 0
    for hops in pieces:
        ring.write(wave(at, 50 * hops))
        at += 50 * hops
    first, values = ring.read(1, False, min(after, at))
    assert first + len(values) == ring.stop == at
    assert first >= at - FINE_S * WAVE_HZ and first <= max(min(after, at), at - FINE_S * WAVE_HZ)
    assert values.tolist() == [-number for number in range(first, at)]


def test_a_gap_between_pieces_reads_as_missing():
    ring = WaveRing(LEADS)
    ring.write(wave(0, 500))
    ring.write(wave(700, 100))
    _, values = ring.read(0, False, 400)
    assert np.flatnonzero(values == MISSING).tolist() == list(range(100, 300))
    _, coarse = ring.read(0, True, 400)
    assert np.flatnonzero(coarse == MISSING).tolist() == list(range(20, 60))


def test_a_bed_that_begins_anew_shows_nothing_of_before():
    ring = WaveRing(LEADS)
    ring.write(wave(5000, 1000))
    ring.write(wave(0, 50))
    first, values = ring.read(0, False, 0)
    assert (first, values.tolist()) == (0, list(range(50)))


@given(st.lists(st.integers(-3000, 3000), min_size=BUCKET, max_size=BUCKET))
def test_no_peak_is_lost_to_decimation_and_the_order_is_kept(samples):
    pair = low_and_high(np.array([samples], np.int16))[0].tolist()
    assert sorted(pair) == [min(samples), max(samples)]
    if samples.index(max(samples)) < samples.index(min(samples)):
        assert pair == [max(samples), min(samples)]


@pytest.mark.parametrize("n", [10, 11])
def test_packed_waves_begin_at_whole_four_bytes(n):
    data = packed(7, 1, True, 2**32 + 5, np.arange(n, dtype=np.int16), 2.5)
    assert len(data) % 4 == 0
    assert struct.unpack_from("<HBBIHH", data) == (7, 1, 1, 5, n, 250)
    assert np.frombuffer(data, "<i2", n, 12).tolist() == list(range(n))
