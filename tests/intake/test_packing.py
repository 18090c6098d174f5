"""Packing loses nothing, whatever the samples; ECG takes little room; cells are used again."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgstream.intake.cells import CELL, no_cells, put_unit, with_free
from ecgstream.intake.packing import free_units, most_words, pack, unpack
from ecgstream.waveform import STANDARD_LEADS
from simulators.patient import Patient
from simulators.script import BedScript, episode


def packed(ring: np.ndarray, first: int, n: int):
    """Cells and units with samples [first, first + n) of a ring (C, capacity) as the one unit of slot 0."""
    cells, units = with_free(no_cells(), most_words(len(ring), n) + CELL), np.zeros((1, 4, 2), np.int32)
    pack(ring[None], np.array([0]), np.array([first]), n, cells, units)
    return cells, units


@settings(deadline=None, max_examples=150)
@given(
    n_channels=st.integers(1, 5),
    n=st.integers(1, 70),
    spread=st.sampled_from([0, 1, 30, 3_000, 32_767]),
    first=st.integers(0, 400),
    seed=st.integers(0, 1_000),
)
def test_what_comes_out_is_what_went_in(n_channels, n, spread, first, seed):
    rng = np.random.default_rng(seed)
    ring = rng.integers(-spread - 1, spread, (n_channels, n + seed % 50), endpoint=True).astype(np.int16)
    cells, units = packed(ring, first, n)
    (unit,) = units[0, units[0, :, 1] > 0]
    assert unit[1] <= most_words(n_channels, n)
    got = np.empty((n_channels, n), np.int16)
    unpack(cells, unit, got)
    assert np.array_equal(got, ring[:, np.arange(first, first + n) % ring.shape[1]])


def test_an_ecg_takes_little_more_than_a_third_of_its_bytes():
    bed = Patient(BedScript("bed", STANDARD_LEADS, 250, 1, (episode("sinus", 0, 10, 72),)))
    samples = bed.read(0, 2_500)[0].samples
    sizes = [packed(samples, 250 * second, 250)[1][0, :, 1].sum() * 4 for second in range(10)]
    assert np.mean(sizes) < 0.38 * 12 * 250 * 2


def test_the_oldest_unit_gives_way_and_its_cells_are_used_again():
    rng = np.random.default_rng(0)
    ring = np.cumsum(rng.integers(-20, 20, (2, 500)), 1).astype(np.int16)
    cells, units = no_cells(), np.zeros((1, 4, 2), np.int32)
    for second in range(60):
        cells = with_free(cells, most_words(2, 50) + CELL)
        pack(ring[None], np.array([0]), np.array([50 * second]), 50, cells, units)
    taken = int((-(-units[0, :, 1] // CELL)).sum())
    assert len(cells.words) - cells.n_free[0] == taken and len(cells.words) <= taken + 4
    for second in range(56, 60):
        got = np.empty((2, 50), np.int16)
        unpack(cells, units[0, second % 4], got)
        assert np.array_equal(got, ring[:, 50 * (second % 10) :][:, :50])
    free_units(cells, units[0])
    assert cells.n_free[0] == len(cells.words) and not units[:, :, 1].any()
    assert len(set(cells.free.tolist())) == len(cells.words), "every cell is free once"


def test_making_room_keeps_what_lies_there():
    cells = with_free(no_cells(), 3 * CELL)
    told = np.arange(2 * CELL + 1, dtype=np.uint32)
    first = put_unit(cells, told)
    more = with_free(cells, 100 * CELL)
    assert more.n_free[0] == 100 and (more.words[first] == told[:CELL]).all()
    assert more.words[more.following[more.following[first]], 0] == told[-1]
