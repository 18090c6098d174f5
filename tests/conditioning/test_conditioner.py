"""Cutting, neighbours and missing samples."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgstream.conditioning import Conditioner, condition_record
from ecgstream.conditioning.record import record_block
from ecgstream.waveform import (
    CODE_LEAD_OFF,
    CODE_MISSING,
    GRID_HZ,
    HOP_SAMPLES,
    N_LEADS,
    Conditioned,
    RawBlock,
    Reason,
    history_samples,
)

RATES = [Fraction(50), Fraction("62.5"), Fraction(125), Fraction(250), Fraction(256), Fraction(360), Fraction(500)]
RATES += [Fraction("499.3"), Fraction("499.31"), Fraction(2000)]
SLOTS = (1, 6)


def noise(seed: int, fs_hz: Fraction, n_hops: int) -> np.ndarray:
    """Wander, hum and noise with some unusable samples: int16 (2, samples of n_hops hops)."""
    rng = np.random.default_rng(seed)
    n_native = int((n_hops * HOP_SAMPLES - 1) * fs_hz // GRID_HZ) + 1
    adu = (rng.normal(0, 30, (2, n_native)).cumsum(1) % 2000).astype(np.int16)
    adu[:, rng.integers(n_native, size=8)] += 800  # pace pulses
    for _ in range(3):
        start = rng.integers(n_native)
        adu[rng.integers(2), start : start + rng.integers(1, 80)] = rng.choice([CODE_MISSING, CODE_LEAD_OFF])
    return adu


def condition(adu: np.ndarray, fs_hz: Fraction) -> Conditioned:
    return condition_record(adu, fs_hz, SLOTS, [0.005] * 2, [1000] * 2, 50)


def cut(whole: RawBlock, first: int, n_hops: int) -> RawBlock:
    """Hops ``[first, first + n_hops)`` of a record's block, as intake would hand them out."""
    start, stop = (max(int((hop * HOP_SAMPLES - 1) * whole.fs_hz // GRID_HZ) + 1, 0) for hop in (first, first + n_hops))
    return RawBlock(
        whole.rows,
        n_hops,
        whole.first_hop + first,
        whole.segment_hop,
        np.array([first == 0]),
        whole.fs_hz,
        whole.history,
        np.array([start]),
        np.ascontiguousarray(whole.raw[:, :, start : stop + whole.history]),
        whole.slots,
        whole.mv_per_adu,
        whole.baseline_adu,
        None if whole.pacer is None else np.ascontiguousarray(whole.pacer[:, start : stop + whole.history]),
    )


def marked(block: RawBlock, seed: int) -> RawBlock:
    """The block with pace pulses marked here and there, and one mark far too long."""
    rng = np.random.default_rng(seed)
    pacer = rng.random((1, block.raw.shape[2])) < 0.02
    pacer[0, 200:260] = True
    return replace(block, pacer=pacer)


def stack(blocks: list[RawBlock], rows: list[int]) -> RawBlock:
    """Blocks of one row each beside each other, as rows ``rows``."""
    fields = {
        name: np.concatenate([getattr(block, name) for block in blocks])
        for name in ("first_hop", "segment_hop", "new_segment", "first_native", "raw", "slots")
    }
    scales = {name: np.concatenate([getattr(b, name) for b in blocks]) for name in ("mv_per_adu", "baseline_adu")}
    block = blocks[0]
    return RawBlock(
        rows=np.array(rows), n_hops=block.n_hops, fs_hz=block.fs_hz, history=block.history, **fields, **scales
    )


def assert_same(one: Conditioned, other: Conditioned, row: int = 0) -> None:
    for name in ("ecg_mv", "valid", "reason", "quality", "pace"):
        np.testing.assert_array_equal(getattr(one, name)[0], getattr(other, name)[row], err_msg=name)


@settings(deadline=None, max_examples=40)
@given(
    fs_hz=st.sampled_from(RATES),
    cuts=st.lists(st.sampled_from([1, 5, 25]), min_size=1, max_size=6),
    seed=st.integers(0, 2**32 - 1),
)
def test_cutting_into_steps_changes_nothing(fs_hz, cuts, seed):
    adu = noise(seed, fs_hz, sum(cuts))
    whole = marked(record_block(adu, fs_hz, SLOTS, [0.005] * 2, [1000] * 2), seed)
    assert whole.n_hops == sum(cuts)
    conditioner = Conditioner(50, 1)
    starts = np.cumsum([0, *cuts[:-1]])
    pieces = [conditioner.step(cut(whole, int(first), n)) for first, n in zip(starts, cuts, strict=True)]
    joined = Conditioner(50, 1).step(whole)
    for name in ("ecg_mv", "valid", "reason", "quality", "pace"):
        pieced = np.concatenate([getattr(piece, name) for piece in pieces], axis=-1)
        np.testing.assert_array_equal(pieced, getattr(joined, name), err_msg=name)


@settings(deadline=None, max_examples=20)
@given(fs_hz=st.sampled_from(RATES), seeds=st.lists(st.integers(0, 1000), min_size=2, max_size=4), data=st.data())
def test_neighbours_change_nothing(fs_hz, seeds, data):
    rows = sorted(data.draw(st.lists(st.integers(0, 9), min_size=len(seeds), max_size=len(seeds), unique=True)))
    records = [noise(seed, fs_hz, 12) for seed in seeds]
    blocks = [record_block(adu, fs_hz, SLOTS, [0.005] * 2, [1000] * 2) for adu in records]
    conditioner = Conditioner(50)
    conditioner.grow(10)
    for first in (0, 6):
        together = conditioner.step(stack([cut(block, first, 6) for block in blocks], rows))
    for row, adu in enumerate(records):
        alone = condition(adu, fs_hz)
        np.testing.assert_array_equal(alone.ecg_mv[0, :, 300:], together.ecg_mv[row])
        np.testing.assert_array_equal(alone.quality[0, :, 6:], together.quality[row])


@settings(deadline=None, max_examples=40)
@given(fs_hz=st.sampled_from(RATES), seed=st.integers(0, 1000), start_s=st.floats(0.2, 4), length=st.integers(1, 400))
def test_samples_behind_a_gap_know_nothing_of_those_before(fs_hz, seed, start_s, length):
    adu = np.clip(noise(seed, fs_hz, 30), 0, None)
    start = int(start_s * fs_hz)
    adu[0, start : start + length] = CODE_MISSING
    other = adu.copy()
    other[0, :start] = 1500 - other[0, :start] // 2
    one, two = condition(adu, fs_hz), condition(other, fs_hz)
    grid = np.arange(one.valid.shape[2])
    newest = grid * fs_hz // GRID_HZ
    assert one.valid[0, 1, newest < start].sum() > 0
    assert not one.valid[0, 1, (newest >= start) & (newest < start + length)].any()
    behind = newest >= start + length
    np.testing.assert_array_equal(one.ecg_mv[0, 1, behind], two.ecg_mv[0, 1, behind])
    assert (one.ecg_mv[~one.valid] == 0).all()


@settings(deadline=None, max_examples=40)
@given(fs_hz=st.sampled_from(RATES), seed=st.integers(0, 1000), at=st.integers(1, 900))
def test_no_output_reads_the_future(fs_hz, seed, at):
    adu = noise(seed, fs_hz, 20)
    at = min(at, adu.shape[1] - 1)
    changed = adu.copy()
    changed[:, at:] = 5
    one, two = condition(adu, fs_hz), condition(changed, fs_hz)
    before = np.arange(one.valid.shape[2]) * fs_hz // GRID_HZ < at
    np.testing.assert_array_equal(one.ecg_mv[0][:, before], two.ecg_mv[0][:, before])
    np.testing.assert_array_equal(one.valid[0][:, before], two.valid[0][:, before])


@pytest.mark.parametrize("fs_hz", RATES)
def test_offers_every_complete_hop_and_no_other(fs_hz):
    n_native = int((3 * HOP_SAMPLES - 1) * fs_hz // GRID_HZ) + 1
    assert condition(np.ones((2, n_native), np.int16), fs_hz).n_hops == 3
    assert condition(np.ones((2, n_native - 1), np.int16), fs_hz).n_hops == 2


def test_a_reset_row_begins_anew_and_others_go_on():
    block = record_block(noise(1, Fraction(250), 10), Fraction(250), SLOTS, [0.005] * 2, [1000] * 2)
    conditioner = Conditioner(50, 2)
    conditioner.step(stack([cut(block, 0, 5)] * 2, [0, 1]))
    conditioner.reset(np.array([0]))
    after = conditioner.step(stack([cut(block, 5, 5)] * 2, [0, 1]))
    straight = condition(noise(1, Fraction(250), 10), Fraction(250))
    np.testing.assert_array_equal(after.ecg_mv[1], straight.ecg_mv[0, :, 250:])
    assert np.abs(after.ecg_mv[0] - after.ecg_mv[1]).max() > 0.01


@pytest.mark.parametrize("fs_hz", [Fraction(250), Fraction(360)])
def test_a_new_segment_forgets_the_one_before(fs_hz):
    conditioner = Conditioner(50, 1)
    conditioner.step(record_block(noise(3, fs_hz, 9), fs_hz, SLOTS, [0.005] * 2, [1000] * 2))
    again = conditioner.step(record_block(noise(4, fs_hz, 9), fs_hz, SLOTS, [0.005] * 2, [1000] * 2))
    assert_same(again, condition(noise(4, fs_hz, 9), fs_hz))


def test_absent_leads_say_so():
    out = condition(noise(1, Fraction(250), 10), Fraction(250))
    absent = [slot for slot in range(N_LEADS) if slot not in SLOTS]
    assert (out.reason[0, absent] == Reason.ABSENT).all()
    assert not out.valid[0, absent].any()


def test_a_block_without_history_is_refused():
    block = record_block(noise(1, Fraction(500), 10), Fraction(500), SLOTS, [0.005] * 2, [1000] * 2)
    block.raw, block.history = block.raw[:, :, 30:], block.history - 30
    with pytest.raises(ValueError, match="history_samples"):
        Conditioner(50, 1).step(block)


@pytest.mark.parametrize("fs_hz", [Fraction(49), Fraction(2001), Fraction(100) + Fraction(1, 3**12)])
def test_a_rate_beyond_reason_is_refused(fs_hz):
    with pytest.raises(ValueError, match="50 and 2000"):
        condition(np.zeros((2, 3000), np.int16), fs_hz)


def test_history_is_64_ms():
    assert history_samples(Fraction(500)) == 34
    assert history_samples(Fraction("62.5")) == 6
