"""Exchanged limb electrodes: made-up hearts and real ones, whose leads are exchanged by their textbook sums."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ecgstream.cutting import cut
from ecgstream.electrodes import Electrodes, Swap
from ecgstream.evaluation.records import read_record
from ecgstream.evaluation.runner import condition
from ecgstream.evaluation.swaps import swapped
from ecgstream.rhythm import Rhythm
from ecgstream.waveform import Beats, Conditioned, Reason

from ..rhythm.signals import conditioned, noise, spoil
from .hearts import CHEST, NORMAL, SECOND, heart

FLAT = np.zeros(len(NORMAL))
SWAPPED = (-NORMAL, SECOND - NORMAL, CHEST)


def bed(first: np.ndarray, second: np.ndarray, chest: np.ndarray | None = None) -> Conditioned:
    leads = {"I": first, "II": second} | ({"V6": chest} if chest is not None else {})
    return conditioned({name: mv + noise(len(mv), k, 0.005) for k, (name, mv) in enumerate(leads.items())})


def told(block: Conditioned) -> np.ndarray:
    """What is told hop by hop."""
    return Electrodes(1).step(block, Rhythm(1).step(block).beats)[0]


@pytest.mark.parametrize(
    ("first", "second", "chest", "swap"),
    [
        pytest.param(NORMAL, SECOND, CHEST, Swap.NONE, id="right"),
        pytest.param(NORMAL, SECOND, None, Swap.NONE, id="right, no chest lead"),
        pytest.param(*SWAPPED, Swap.ARMS, id="arms"),
        pytest.param(
            *SWAPPED[:2], None, Swap.NONE, id="arms, no chest lead: left bundle branch block and pacing look alike"
        ),
        pytest.param(heart(0, -0.8, -0.2), heart(0, 0.2, 0.1), CHEST, Swap.ARMS, id="arms in atrial fibrillation"),
        pytest.param(heart(0.1, -0.8, 0.2), NORMAL, CHEST, Swap.NONE, id="axis to the right: P upright"),
        pytest.param(NORMAL, FLAT, None, Swap.RIGHT_ARM_AND_LEG, id="right arm on a leg, no chest lead"),
        pytest.param(heart(0, -0.8, 0.2), NORMAL, CHEST, Swap.NONE, id="axis to the right in atrial fibrillation"),
        pytest.param(-NORMAL, NORMAL, -CHEST, Swap.NONE, id="turned over in the chest, too"),
        pytest.param(NORMAL, FLAT, CHEST, Swap.RIGHT_ARM_AND_LEG, id="right arm on a leg"),
        pytest.param(NORMAL, heart(0.1, 0.15, 0.1), CHEST, Swap.NONE, id="II low, not flat"),
    ],
)
def test_made_up_hearts(first, second, chest, swap):
    found = told(bed(first, second, chest))
    assert found[-1] == swap and set(found) <= {Swap.NONE, swap}


def test_it_is_told_after_half_a_minute_and_no_more_half_a_minute_after_it_is_mended():
    mended = np.arange(len(NORMAL)) > 45 * 250
    leads = (np.where(mended, *both) for both in zip((NORMAL, SECOND, CHEST), SWAPPED, strict=True))
    hops = np.flatnonzero(told(bed(*leads))) / 5
    assert 30 <= hops[0] <= 42
    assert 75 <= hops[-1] <= 88


def test_nothing_is_told_of_one_lead_and_what_was_told_is_forgotten_after_a_minute_without_a_beat():
    block = bed(*SWAPPED)
    block.reason[0, 0] = Reason.ABSENT
    assert not told(block).any()
    block, beats = bed(*SWAPPED), Rhythm(1).step(bed(*SWAPPED)).beats
    room = Electrodes(1)
    assert room.step(block, beats)[0, -1] == Swap.ARMS
    spoil(block, 0, block.n_hops, Reason.NOISE)
    follows = replace(block, first_hop=block.first_hop + block.n_hops, new_segment=np.zeros(1, bool))
    hops = np.flatnonzero(room.step(follows, Rhythm(1).step(follows).beats)[0]) / 5
    assert 58 < hops[-1] < 61


def parts(block: Conditioned, beats: Beats, edges: list[int]):
    for start, stop in zip(edges, edges[1:], strict=False):
        here = (beats.confirmed_hop >= start) & (beats.confirmed_hop < stop)
        its = (getattr(beats, name)[here] for name in ("row", "sample", "ventricular", "confirmed_hop"))
        yield cut(block, start, stop), Beats(*its)


@pytest.mark.parametrize("seed", range(3))
def test_any_cut_tells_the_same(seed):
    block = bed(*SWAPPED)
    beats, rng = Rhythm(1).step(block).beats, np.random.default_rng(seed)
    whole = Electrodes(1)
    wanted = whole.step(block, beats)[0]
    edges = [0, *np.sort(rng.choice(np.arange(1, block.n_hops), 40, replace=False)).tolist(), block.n_hops]
    room = Electrodes(1)
    found = np.concatenate([room.step(part, its)[0] for part, its in parts(block, beats, edges)])
    assert np.array_equal(found, wanted) and found.any()
    assert room.save(0) == whole.save(0)


@pytest.mark.parametrize("moved_at", range(101, 108))
def test_a_bed_that_moves_goes_on_exactly(moved_at):
    block = bed(*SWAPPED)
    beats = Rhythm(1).step(block).beats
    whole, before, after = Electrodes(1), Electrodes(1), Electrodes(1)
    wanted = whole.step(block, beats)[0]
    first, again, rest = parts(block, beats, [0, moved_at - 25, moved_at, block.n_hops])
    before.step(*first)
    before.step(*again)
    after.step(*again)
    after.restore(0, before.save(0))
    assert np.array_equal(after.step(*rest)[0], wanted[moved_at:]) and wanted[-1]
    assert after.save(0) == whole.save(0)


def test_another_bed_beside_changes_nothing():
    block = bed(*SWAPPED)
    beats = Rhythm(1).step(block).beats
    alone, room = Electrodes(1), Electrodes(3)
    alone.step(block, beats)
    room.step(replace(block, rows=np.array([2])), replace(beats, row=np.full_like(beats.row, 2)))
    assert room.save(0) == room.save(1) == Electrodes(1).save(0) != room.save(2) == alone.save(0)


@pytest.mark.recordings
@pytest.mark.parametrize("swap", list(Swap))
def test_a_real_heart(recordings, swap):
    record = swapped(read_record(recordings / "ptbxl" / "00001"), swap)
    found = told(condition(replace(record, adu=np.concatenate([record.adu] * 6, 1))))
    assert found[-1] == swap and set(found) <= {Swap.NONE, swap}
