"""Segments, refusals, rows, side channels: what the daemon sees of intake."""

from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import pytest

from ecgstream.errors import IntakeError, StateError
from ecgstream.intake import KINDS, Intake
from ecgstream.settings import IntakeSettings
from ecgstream.waveform import CODE_LEAD_OFF, CODE_MISSING, ChannelGroup, Chunk, GroupKind, SampleRange, history_samples

from .monitor import RATES, SECOND_NS, START_NS, Listener, chunk, cut, layout, same, signal


def refused(listener: Listener, one) -> str:
    with pytest.raises(IntakeError) as error:
        listener.accept(one)
    return error.value.reason


# ------------------------------------------------------------------------------------------------------------ segments


def test_a_block_says_what_conditioning_needs():
    listener = Listener()
    listener.accept(chunk(0, 0, signal(500), layout(Fraction(500))))
    (block,) = listener.intake.take(5)
    assert (block.n_hops, block.fs_hz, block.history) == (5, 500, history_samples(Fraction(500)))
    assert block.raw.shape == (1, 2, block.history + 500) and block.raw.dtype == np.int16
    assert block.slots.tolist() == [[0, 1]] and block.slots.dtype == np.int64
    assert block.mv_per_adu.tolist() == [[np.float32(0.005)] * 2] and block.baseline_adu.dtype == np.float32
    assert block.first_native.tolist() == [-1], "at 500 Hz the hop ends with the sample of its last grid sample"
    assert np.array_equal(block.raw[0, :, block.history + 1 :], signal(500)[:, :499])


def test_a_change_of_rate_or_leads_begins_a_segment_on_the_next_hop():
    """One second and 30 samples of two leads at 250 Hz, then three leads at 500 Hz: the sixth hop is filled up."""
    listener, old, new = Listener(), signal(280), signal(500, 3)
    listener.accept(chunk(0, 0, old))
    listener.accept(chunk(1, 1.12, new, layout(Fraction(500), 3)))
    listener.take()
    ear = listener.ears["bed"]
    assert ear.hops == list(range(6 + 5)) and set(ear.segments) == {0, 6}
    assert np.array_equal(ear.segments[0][:, :280], old) and (ear.segments[0][:, 280:] == CODE_MISSING).all()
    assert np.array_equal(ear.segments[6], new[:, :499])
    assert listener.intake.counts["layout_change"] == 1


def test_a_change_that_comes_before_older_chunks_waits_for_them():
    chunks = cut(signal(750), (250, 500))
    changed = chunk(3, 3, signal(250, 3), layout(n_leads=3))
    listener = Listener()
    ear = listener.play([chunks[0], changed, chunks[1], chunks[2]])
    assert ear.hops == list(range(20)) and np.array_equal(ear.segments[0], signal(750))


def test_a_long_gap_is_no_samples_but_a_later_hop():
    listener, samples = Listener(), signal(500)
    ear = listener.play([chunk(0, 0, samples), chunk(1, 62, samples), chunk(2, 64, samples)])
    assert ear.hops == [*range(10), *range(310, 330)]
    assert set(ear.segments) == {0, 310} and listener.intake.counts["gap_samples"] == 60 * 250
    assert listener.intake.time_ns(0, 310 * 50) == START_NS + 62 * SECOND_NS


def test_equal_layouts_that_are_not_one_object_are_no_change():
    first, second = layout(), layout.__wrapped__()
    assert first is not second
    listener = Listener()
    listener.play([chunk(0, 0, signal(250), first), chunk(1, 1, signal(250), second)])
    assert listener.intake.counts["layout_change"] == 0 and listener.intake.counts["segment"] == 1


def test_a_wild_clock_is_told_and_monitored():
    listener = Listener()
    for k in range(4):
        wrong = 2 * 10**9 if k in (1, 2) else 0
        listener.accept(chunk(k, k + wrong, signal(250)), START_NS + (k + 1) * SECOND_NS)
        assert listener.intake.clock_wrong[0] == bool(wrong)
    listener.take()
    assert listener.ears["bed"].hops == list(range(20))
    assert listener.intake.counts["wild_clock"] == 2
    assert abs(listener.intake.time_ns(0, 750) - START_NS - 3 * SECOND_NS) < 10**6


def test_what_is_read_again_from_a_log_tells_the_same_time_whatever_the_monitors_clock():
    told = []
    for read_s in (10, 4 * 86_400):
        intake = Intake(IntakeSettings())
        for k in range(4):
            came_ns = START_NS + (k + 1) * SECOND_NS
            wrong = chunk(k, k + 2 * 10**9, signal(250))
            assert intake.accept(wrong, START_NS + read_s * SECOND_NS, came_ns) and intake.clock_wrong[0]
        told.append([intake.time_ns(0, sample) for sample in (0, 600, 1_000)])
        assert intake.last_arrival_ns[0] == START_NS + read_s * SECOND_NS
    assert told[0] == told[1] and abs(told[0][0] - START_NS) < SECOND_NS // 1_000


def test_a_right_clock_is_right_however_late_its_log_is_read():
    intake = Intake(IntakeSettings())
    assert intake.accept(chunk(0, 0, signal(250)), START_NS + 4 * 86_400 * SECOND_NS, START_NS + SECOND_NS)
    assert not intake.clock_wrong[0] and intake.time_ns(0, 0) == START_NS


# --------------------------------------------------------------------------------------------------- refusals and room


def test_refusals_name_their_reason_and_change_nothing():
    listener = Listener(max_streams=1)
    assert refused(listener, chunk(0, 0, signal(40), layout(Fraction(40)))) == "unusable_rate"
    assert not listener.intake.row_of
    listener.accept(chunk(0, 0, signal(250)))
    assert refused(listener, chunk(0, 0, signal(250), stream_id="other")) == "too_many_streams"
    assert refused(listener, chunk(1, 1, signal(40), layout(Fraction(40)))) == "unusable_rate"
    assert listener.intake.counts["refused"] == 3
    listener.accept(chunk(1, 1, signal(250)))
    listener.take()
    assert listener.ears["bed"].hops == list(range(10))


def test_a_full_ring_says_so_and_takes_nothing_until_hops_are_taken():
    listener, chunks = Listener(ring_s=10.0), cut(signal(30 * 250), range(250, 30 * 250, 250))
    answers = [listener.intake.accept(one, one.start_ns) for one in chunks]
    n = answers.index(False)
    assert 8 <= n <= 12 and not any(answers[n:])
    listener.take()
    for one in chunks[n:]:
        listener.accept(one)
    listener.take()
    assert np.array_equal(listener.ears["bed"].segments[0], signal(30 * 250))


@pytest.mark.parametrize("fs", RATES)
def test_a_chunk_longer_than_the_ring_goes_in_piece_by_piece(fs: Fraction):
    """A minute in one chunk gives what sixty of a second give, what is marked and other groups included."""
    samples, pleth = signal(int(180 * fs)), signal(180 * 125, 1)
    of, beside = layout(fs, 2), layout(Fraction(125), 1, GroupKind.PLETH)
    ears, windows = [], []
    for step_s in (60, 1):
        listener = Listener(ring_s=4.0)
        for k, start_s in enumerate(range(0, 180, step_s)):
            a, b = int(start_s * fs), int((start_s + step_s) * fs)
            off = (SampleRange(0, b - a, 1),) if 60 <= start_s < 120 else ()
            other = ChannelGroup(beside, pleth[:, start_s * 125 : (start_s + step_s) * 125])
            groups = ChannelGroup(of, samples[:, a:b], off), other
            listener.accept(Chunk("bed", k, START_NS + round(a / fs * SECOND_NS), groups))
        listener.take()
        ears.append(listener.ears["bed"])
        windows.append(listener.intake.window(0, GroupKind.PLETH, 165 * 250, 178 * 250)[1])
    assert same(*ears) and np.array_equal(*windows) and np.array_equal(windows[0], pleth[:, 165 * 125 : 178 * 125])
    got = ears[0].segments[0]
    assert (got[1, int(60 * fs) : int(120 * fs)] == CODE_LEAD_OFF).all() and len(ears[0].hops) >= 180 * 5 - 1


# ---------------------------------------------------------------------------------------------------------------- rows


def test_silent_streams_are_stale_then_forgotten_and_their_rows_used_again():
    listener = Listener(stale_s=10, evict_s=100)
    for k, name in enumerate(("a", "b", "c")):
        listener.accept(chunk(0, k, signal(250), stream_id=name))
    intake = listener.intake
    assert intake.stale(START_NS + 12 * SECOND_NS) == [0, 1] and intake.row_of == {"a": 0, "b": 1, "c": 2}
    assert intake.evict(START_NS + 101 * SECOND_NS) == [0]
    assert intake.stale(START_NS + 12 * SECOND_NS) == [1] and not intake.active[0]
    listener.accept(chunk(7, 102, signal(250, seed=9), stream_id="d"))
    listener.take()
    assert intake.stream_id(0) == "d" and intake.n_rows == 3
    assert np.array_equal(listener.ears["d"].segments[0], signal(250, seed=9)) and "a" not in listener.ears


def test_a_stream_forgotten_while_its_ring_was_full_leaves_nothing_behind():
    listener = Listener(ring_s=10.0, evict_s=100)
    intake = listener.intake
    for one in cut(signal(30 * 250), range(250, 30 * 250, 250)):
        intake.accept(one, one.start_ns)
    assert intake.counts["blocked"] and intake.evict(START_NS + 200 * SECOND_NS) == [0]
    assert intake.take(25) == []
    listener.accept(chunk(0, 200, signal(500), layout(Fraction(500)), stream_id="next"))
    listener.take()
    assert np.array_equal(listener.ears["next"].segments[0], signal(500)[:, :499]) and "bed" not in listener.ears


def test_everything_counted_has_a_declared_name():
    listener = Listener()
    assert list(listener.intake.counts) == list(KINDS)
    sent = [(0, 0), (1, 1), (1, 1), (3, 3), (4, 4), (5, 5), (2, 2), (6, 9), (7, 10), (8, 2), (9, 3), (0, 60)]
    for sequence, start_s in sent:
        listener.accept(chunk(sequence, start_s, signal(250)))
    assert list(listener.intake.counts) == list(KINDS)


def test_the_newest_grid_sample_follows_the_samples():
    listener = Listener()
    listener.accept(chunk(0, 0, signal(130), layout(Fraction(500))))
    assert listener.intake.newest_grid[0] == 65


def test_state_survives_a_restart_and_what_was_missed_is_a_counted_gap():
    """Seven and a half seconds, then the daemon is down for 4.5 s."""
    before = Listener()
    before.play(cut(signal(1875), range(250, 1875, 250), first=40))
    after = Listener()
    row = after.intake.restore("bed", json.loads(json.dumps(before.intake.save(0))))
    assert after.intake.time_ns(row, 500) == START_NS + 2 * SECOND_NS
    assert after.intake.take(25) == [] and after.intake.stale(START_NS + 20 * SECOND_NS) == [row]
    after.accept(chunk(47, 6.5, signal(375)))
    after.accept(chunk(51, 12, signal(500)))
    after.take()
    ear = after.ears["bed"]
    assert ear.hops == list(range(60, 70)) and np.array_equal(ear.segments[60], signal(500))
    counts = after.intake.counts
    assert (counts["duplicate"], counts["gap"], counts["gap_samples"]) == (1, 1, 1125)


def test_a_restored_hop_that_was_begun_is_not_handed_out_again():
    before = Listener()
    before.play([chunk(0, 0, signal(260))])
    after = Listener()
    after.intake.restore("bed", before.intake.save(0))
    assert after.play([chunk(1, 1.04, signal(240))]).hops == list(range(6, 10))


def test_a_state_that_is_not_one_is_refused_and_leaves_no_stream():
    listener = Listener()
    state = {"next_sequence": 3}
    with pytest.raises(StateError, match="cannot be read"):
        listener.intake.restore("bed", state)
    assert not listener.intake.row_of and not listener.intake.active.any()
    listener.accept(chunk(0, 0, signal(250)))
    with pytest.raises(StateError, match="running"):
        listener.intake.restore("bed", state)


# -------------------------------------------------------------------------------------------------------- other groups

PLETH = layout(Fraction(125, 2), 1, GroupKind.PLETH)


def with_pleth(sequence: int, start_s: float, pleth: np.ndarray):
    return chunk(sequence, start_s, signal(50), others=(ChannelGroup(PLETH, pleth),))


def test_half_sample_blocks_open_no_gap():
    """0.2 s at 62.5 Hz are 12.5 samples: blocks of 12 and 13 in turn."""
    listener, pleth = Listener(), signal(1250, 1)
    for k in range(100):
        listener.accept(with_pleth(k, k * 0.2, pleth[:, k * 25 // 2 : (k + 1) * 25 // 2]))
        listener.take()
    of, got = listener.intake.window(0, GroupKind.PLETH, 5 * 250, 15 * 250)
    assert of is PLETH and np.array_equal(got, pleth[:, 312:937])
    of, got = listener.intake.window(0, GroupKind.ECG, 5000 - 50, 5000)
    assert np.array_equal(got, signal(50))
    assert listener.intake.window(0, GroupKind.ABP, 0, 250) is None


def test_other_groups_follow_the_gaps_of_the_ecg():
    listener = Listener()
    for k in [*range(10), *range(12, 30)]:
        listener.accept(with_pleth(k, k * 0.2, np.full((1, 12 + k % 2), k, np.int16)))
        listener.take()
    _, got = listener.intake.window(0, GroupKind.PLETH, 0, 30 * 50)
    assert got.shape == (1, 375)
    assert (got[0, 125:150] == CODE_MISSING).all() and (got[0, :125] < 10).all() and (got[0, 150:] >= 12).all()


def test_even_a_short_gap_is_a_gap_of_the_other_groups():
    """One block of 0.2 s is lost: less than what they may be out of step otherwise."""
    listener = Listener()
    for k in [*range(10), *range(11, 30)]:
        listener.accept(with_pleth(k, k * 0.2, np.full((1, 12 + k % 2), k, np.int16)))
    _, got = listener.intake.window(0, GroupKind.PLETH, 0, 20 * 50)
    assert got[0, 124] == 9 and (got[0, 125:137] == CODE_MISSING).all() and got[0, 138] == 11


def test_other_groups_that_count_away_are_brought_back_into_step():
    """A monitor that sends 12 samples a block where 12.5 belong is never more than a quarter of a second off."""
    listener = Listener()
    for k in range(400):
        listener.accept(with_pleth(k, k * 0.2, np.full((1, 12), k, np.int16)))
        listener.take()
    _, got = listener.intake.window(0, GroupKind.PLETH, 400 * 50 - 2500, 400 * 50)
    held = np.flatnonzero(got[0] != CODE_MISSING)
    belongs = 350 + held / 12.5
    assert len(held) > 580 and np.abs(got[0, held] - belongs).max() <= 0.25 / 0.2 + 2


def test_a_group_that_comes_and_changes_has_a_ring_of_its_own():
    listener = Listener()
    listener.accept(chunk(0, 0, signal(250)))
    other = layout(Fraction(125), 1, GroupKind.PLETH)
    for sequence, of in ((1, PLETH), (2, other)):
        group = ChannelGroup(of, signal(int(of.fs_hz), 1))
        listener.accept(chunk(sequence, sequence, signal(250), others=(group,)))
    of, got = listener.intake.window(0, GroupKind.PLETH, 0, 750)
    assert of is other and np.array_equal(got[:, 250:], signal(125, 1)) and (got[:, :250] == CODE_MISSING).all()
