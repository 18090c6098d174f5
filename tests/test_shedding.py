"""When compute cannot keep up, and which beds then go without the encoder: arithmetic on made-up passes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgstream.shedding import TURN_S, WITH_S, Load, Pass, Shedding
from ecgstream.waveform import HOP_S

NOBODY = np.zeros(1_000, bool)


def noted(waited_s: list[float], speed: float) -> Load:
    """A pass every half second, with so many seconds of each of ten beds' signal a second."""
    load = Load()
    load.look(-0.5, 10)
    for k, waited in enumerate(waited_s):
        load.count(np.ones(10, bool), round(speed * 0.5 / HOP_S))
        load.note(Pass(k / 2, waited, 0.1, 0.05))
    load.look(len(waited_s) / 2 - 0.5, 10)
    return load


def spent(load: Load, now_s: float, beds: int, encoded: int, rules_s: float, encoder_s: float) -> None:
    """A second in which each bed cost so much, and each with the encoder so much more."""
    for k in range(5):
        load.count(np.arange(beds) < encoded, 1)
        work_s = (beds * rules_s + encoded * encoder_s) * HOP_S
        load.note(Pass(now_s - 1 + k / 5, 0.0, work_s, encoded * encoder_s * HOP_S))
    assert load.is_due(now_s)
    load.look(now_s, beds)


@pytest.mark.parametrize(
    ("told", "waited_s", "speed", "too_much"),
    [
        ("in time", [0.1] * 8, 0.8, False),
        ("ever later", [0.6, 0.8, 1.0, 1.2, 1.4], 0.8, True),
        ("late for a moment", [0.1, 0.1, 0.1, 1.5, 1.5, 1.4], 0.8, False),
        ("late, and no worse: queues are full", [4.0] * 6, 0.8, True),
        ("late, and making up for it", [4.0, 3.5, 3.0, 2.5, 2.0], 1.2, False),
        ("a log is being caught up with, its queue full", [2.0] * 5, 20.0, False),
        ("minutes that came at once wait ever longer, and go fast", [0.6, 1.1, 1.6, 2.1, 2.6], 30.0, False),
        ("not long enough to tell", [3.0, 3.0, 3.0], 0.8, False),
    ],
)
def test_compute_cannot_keep_up_when_everything_waits_for_long_and_nothing_is_made_up(
    told: str, waited_s: list[float], speed: float, too_much: bool
):
    assert noted(waited_s, speed).too_much == too_much, told


def test_what_was_late_long_ago_counts_no_more():
    load = noted([2.0] * 6, 0.8)
    assert load.too_much
    for now_s in (3.0, 3.5, 4.0, 4.5, 5.0):
        load.note(Pass(now_s, 0.1, 0.1, 0.05))
    assert not load.too_much


def test_how_many_beds_can_have_the_encoder_follows_from_what_they_cost():
    load = Load()
    spent(load, 1.0, beds=100, encoded=50, rules_s=0.002, encoder_s=0.010)
    assert load.busy == pytest.approx(0.7)
    assert load.affordable(100) == 50  # 0.7 s, less 100 × 2 ms, at 10 ms each
    assert load.affordable(50) == 50  # 0.6 s for all of them
    assert load.affordable(400) == 0  # rules alone are more than that
    assert load.room() == 5  # half of the 0.1 s up to 0.8 s


@pytest.mark.parametrize(("encoder_s", "busy", "room"), [(0.004, 0.7, 12), (0.007, 0.85, 0), (0.0095, 0.975, -2)])
def test_there_is_room_below_four_fifths_and_too_little_near_all_of_the_time(encoder_s: float, busy: float, room: int):
    load = Load()
    spent(load, 1.0, beds=100, encoded=50, rules_s=0.005, encoder_s=encoder_s)
    assert load.busy == pytest.approx(busy)
    assert load.room() == room  # half of 0.1 s, and of 0.055 s, by what a bed costs


def test_where_no_bed_has_had_the_encoder_yet_nothing_is_gained_by_going_without():
    load = Load()
    spent(load, 1.0, beds=400, encoded=0, rules_s=0.01, encoder_s=0.0)
    assert load.affordable(400) == 400 and load.room() == 0


def test_nothing_is_known_and_nothing_shed_before_the_first_look():
    load = Load()
    assert not load.too_much and load.room() == 0 and load.affordable(10) == 10
    assert load.is_due(5.0)
    load.look(5.0, 10)
    assert not load.is_due(5.5)


def shedding(n_rows: int) -> Shedding:
    room = Shedding()
    room.grow(n_rows)
    return room


def test_beds_with_a_lethal_alarm_keep_the_encoder_longest():
    room, beds, lethal = shedding(8), np.arange(8), np.array([1, 0, 0, 1, 0, 0, 0, 0], bool)
    room.shed_down_to(4, 0.0, beds, lethal)
    assert np.flatnonzero(room.shed).tolist() == [1, 2, 4, 5]
    room.shed_down_to(0, 1.0, beds, lethal)
    assert np.flatnonzero(~room.shed).tolist() == [3], "a quarter of four are left"
    room.shed_down_to(4, 2.0, beds, lethal)
    assert np.flatnonzero(~room.shed).tolist() == [3], "nobody has it again before a turn is over"


def test_turns_go_round():
    """Rows, with the encoder (=) or without (.), from one turn to the next; room for two

    0 ==..     60 ..==     120 ==..
    """
    room, beds = shedding(4), np.arange(4)
    room.shed_down_to(2, 0.0, beds, NOBODY)
    seen = [room.shed.tolist()]
    for turn in (1, 2):
        room.take_turns(0, turn * WITH_S - 1, beds, NOBODY)
        assert room.shed.tolist() == seen[-1], "not yet"
        room.take_turns(0, turn * WITH_S, beds, NOBODY)
        seen.append(room.shed.tolist())
    assert seen == [[True, True, False, False], [False, False, True, True], [True, True, False, False]]


def test_as_many_more_have_it_as_there_is_room_for_those_with_a_lethal_alarm_first():
    room, beds, lethal = shedding(5), np.arange(5), np.array([0, 0, 0, 1, 0], bool)
    for _ in range(3):
        room.shed_down_to(0, 0.0, beds, NOBODY)
    room.take_turns(1, TURN_S, beds, lethal)
    assert np.flatnonzero(~room.shed).tolist() == [3]
    room.take_turns(10, TURN_S, beds, lethal)
    assert not room.shed.any()


def test_beds_whose_stream_has_gone_are_forgotten():
    room = shedding(3)
    for _ in range(2):
        room.shed_down_to(0, 0.0, np.arange(3), NOBODY)
    room.reset(np.array([1]))
    assert room.shed.tolist() == [True, False, True]


@given(
    looks=st.lists(
        st.tuples(st.floats(0.5, 40.0), st.booleans(), st.integers(-30, 30), st.integers(0, 30), st.integers(0, 29)),
        max_size=60,
    )
)
def test_no_bed_has_the_encoder_again_before_its_turn_is_over_unless_all_have(looks):
    room, beds, now_s = shedding(30), np.arange(30), 0.0
    gone_s = np.full(30, np.nan)
    for passed_s, too_much, more, affordable, lethal_row in looks:
        now_s += passed_s
        before, lethal = room.shed.copy(), np.arange(30) == lethal_row
        if too_much:
            room.shed_down_to(affordable, now_s, beds, lethal)
            assert (~room.shed).sum() <= max(affordable, (~before).sum() // 2)
            assert not (before & ~room.shed).any()
        else:
            room.take_turns(more, now_s, beds, lethal)
            assert (~room.shed).sum() - (~before).sum() <= max(more, 0)
            if more >= before.sum():
                assert not room.shed.any(), "room for all: at once"
                gone_s[:] = np.nan
                continue
            assert more < 0 or room.shed.sum() <= before.sum()
        back = before & ~room.shed
        assert (now_s - gone_s[back] >= TURN_S).all()
        gone_s[room.shed & ~before] = now_s


def test_while_a_backlog_is_made_up_for_nobody_goes_as_compute_is_busy():
    load = Load()
    spent(load, 1.0, beds=100, encoded=50, rules_s=0.005, encoder_s=0.0095)
    assert load.room() == -2
    load.count(np.ones(100, bool), round(1.2 / HOP_S))
    load.note(Pass(2.0, 2.0, 1.0, 0.5))
    load.look(2.0, 100)
    assert load.busy == 1.0 and load.room() == 0


def test_one_bed_tells_what_the_encoder_costs():
    load = Load()
    spent(load, 1.0, beds=100, encoded=0, rules_s=0.005, encoder_s=0.0)
    assert load.busy == pytest.approx(0.5) and load.room() == 1


def test_beds_that_begin_wait_until_there_is_room_and_no_longer():
    room, beds = shedding(6), np.arange(6)
    room.shed_down_to(4, 0.0, beds[:4], NOBODY)
    room.postpone(beds)
    assert np.flatnonzero(room.shed).tolist() == [4, 5], "the others have begun"
    room.take_turns(0, 1.0, beds, NOBODY)
    assert np.flatnonzero(room.shed).tolist() == [4, 5]
    room.take_turns(1, 2.0, beds, NOBODY)
    assert np.flatnonzero(room.shed).tolist() == [5]
    room.take_turns(0, 1.0 + WITH_S, beds, NOBODY)
    assert np.flatnonzero(room.shed).tolist() == [0], "and now they take turns"


def test_a_bed_that_has_gone_may_wait_anew():
    room = shedding(2)
    room.shed_down_to(2, 0.0, np.arange(2), NOBODY)
    room.reset(np.array([1]))
    room.postpone(np.arange(2))
    assert room.shed.tolist() == [False, True]
