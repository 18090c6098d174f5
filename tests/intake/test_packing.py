"""Packing loses nothing, whatever the samples; ECG takes little room; cells are used again."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgstream.intake.cells import CELL, no_cells, put_unit, with_free
from ecgstream.intake.packing import BLOCK, free_units, hand_out, most_words, unpack
from ecgstream.waveform import CODE_MISSING, STANDARD_LEADS
from simulators.patient import Patient
from simulators.script import BedScript, episode


def packed(ring: np.ndarray, first: int, n: int, leads: np.ndarray):
    """Cells and units with samples [first, first + n) of a ring (C, capacity) as the one unit of slot 0."""
    cells, units = with_free(no_cells(), most_words(len(ring), n) + CELL), np.zeros((1, 4, 2), np.int32)
    hand_out_all(ring, np.array([first]), first + n, n, leads, cells, units)
    return cells, units


def hand_out_all(ring, done, stop, unit, leads, cells, units):
    """Hand out samples [done, stop) of a ring without history."""
    where = np.array([0]), done.copy(), np.array([stop]), int(stop - done[0])
    return hand_out(ring[None], *where, done, unit, leads[None], cells, units)


@settings(deadline=None, max_examples=150)
@given(
    n_channels=st.integers(1, 7),
    made=st.booleans(),
    n=st.integers(1, 70),
    spread=st.sampled_from([0, 1, 30, 3_000, 32_767]),
    first=st.integers(0, 400),
    seed=st.integers(0, 1_000),
)
def test_what_comes_out_is_what_went_in(n_channels, made, n, spread, first, seed):
    rng = np.random.default_rng(seed)
    ring = rng.integers(-spread - 1, spread, (n_channels, n + seed % 50), endpoint=True).astype(np.int16)
    leads = rng.permutation(16)[:n_channels]
    if made and n_channels > 2:  # I, II, and what they make, with CODE_MISSING here and there
        leads, halves = np.arange(n_channels), np.array([[-2, 2], [-1, -1], [2, -1], [-1, 2]])
        ring[2:6] = (halves @ ring[:2] >> 1)[: n_channels - 2]
        ring[:, rng.integers(0, ring.shape[1], 2)] = CODE_MISSING
    cells, units = packed(ring, first, n, leads)
    (unit,) = units[0, units[0, :, 1] > 0]
    assert unit[1] <= most_words(n_channels, n) - BLOCK
    got = np.empty((n_channels, n), np.int16)
    unpack(cells, unit, leads, got)
    assert np.array_equal(got, ring[:, np.arange(first, first + n) % ring.shape[1]])


def sizes(leads: np.ndarray, samples: np.ndarray) -> list[int]:
    return [packed(samples, 250 * second, 250, leads)[1][0, :, 1].sum() * 8 for second in range(10)]


def test_an_ecg_takes_less_than_a_third_of_its_bytes_where_limb_leads_are_what_i_and_ii_make_them():
    bed = Patient(BedScript("bed", STANDARD_LEADS, 250, 1, (episode("sinus", 0, 10, 72),)))
    samples = np.ascontiguousarray(bed.read(0, 2_500)[0].samples)
    told, others = sizes(np.arange(12), samples), sizes(np.arange(12, 24), samples)
    assert np.mean(told) < 0.3 * 12 * 250 * 2
    assert np.mean(others) < 0.37 * 12 * 250 * 2


def test_limb_leads_that_are_not_what_i_and_ii_make_them_take_no_more_room():
    rng = np.random.default_rng(0)
    samples = np.cumsum(rng.integers(-9, 9, (12, 2_500)), 1).astype(np.int16)
    assert sizes(np.arange(12), samples) == sizes(np.arange(12, 24), samples)


def test_the_oldest_unit_gives_way_and_its_cells_are_used_again():
    rng = np.random.default_rng(0)
    ring = np.cumsum(rng.integers(-20, 20, (2, 500)), 1).astype(np.int16)
    cells, units, done = no_cells(), np.zeros((1, 4, 2), np.int32), np.array([0])
    for second in range(60):
        cells = with_free(cells, most_words(2, 50) + CELL)
        hand_out_all(ring, done, 50 * (second + 1), 50, np.arange(2), cells, units)
    taken = int((-(-units[0, :, 1] // CELL)).sum())
    assert len(cells.words) - cells.n_free[0] == taken and len(cells.words) <= taken + 4
    for second in range(56, 60):
        got = np.empty((2, 50), np.int16)
        unpack(cells, units[0, second % 4], np.arange(2), got)
        assert np.array_equal(got, ring[:, 50 * (second % 10) :][:, :50])
    free_units(cells, units[0])
    assert cells.n_free[0] == len(cells.words) and not units[:, :, 1].any()
    assert len(set(cells.free.tolist())) == len(cells.words), "every cell is free once"


def test_making_room_keeps_what_lies_there():
    cells = with_free(no_cells(), 3 * CELL)
    told = np.arange(2 * CELL + 1, dtype=np.uint64)
    first = put_unit(cells, told)
    more = with_free(cells, 100 * CELL)
    assert more.n_free[0] == 100 and (more.words[first] == told[:CELL]).all()
    assert more.words[more.following[more.following[first]], 0] == told[-1]


def test_handed_out_is_what_the_ring_holds_and_only_whole_units_that_are_there_are_packed():
    rng = np.random.default_rng(0)
    ring = rng.integers(-99, 99, (3, 130)).astype(np.int16)
    cells, units = with_free(no_cells(), 3 * (most_words(3, 20) + CELL)), np.zeros((1, 8, 2), np.int32)
    done, leads = np.array([140]), np.arange(3)
    where = np.array([0]), np.array([135]), np.array([185]), 60
    got = hand_out(ring[None], *where, done, 20, leads[None], cells, units)
    assert np.array_equal(got[0, :, :50], ring[:, np.arange(135, 185) % 130])
    assert (got[0, :, 50:] == CODE_MISSING).all(), "nothing has been written from 185 on"
    assert done[0] == 180, "the unit from 180 on is not whole"
    back = np.empty((3, 20), np.int16)
    unpack(cells, units[0, 160 // 20 % 8], leads, back)
    assert np.array_equal(back, ring[:, np.arange(160, 180) % 130])
