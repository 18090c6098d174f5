import numpy as np
import pytest

from ecgstream.rows import RowRecords, grown, without

ROW = np.dtype([("few", np.uint8, (3,)), ("signal", np.float32, (4,)), ("many", np.int64)], align=True)
KEPT = without(ROW, ("signal",))


def _fresh(n_rows: int) -> np.ndarray:
    rows = np.zeros(n_rows, ROW)
    rows["many"] = -1
    return rows


def _room(kept: np.dtype = KEPT) -> RowRecords:
    room = RowRecords(2, _fresh, kept)
    room._state[1] = ((1, 2, 3), (0.5, 1.5, 2.5, 3.5), 7)
    return room


def test_what_is_kept_is_saved_packed_so_that_older_records_stay_readable():
    assert _room().save(1) == bytes((1, 2, 3)) + np.int64(7).tobytes()


def test_a_record_that_keeps_everything_is_saved_as_it_lies():
    room = _room(ROW)
    assert room.save(1) == room._state[1].tobytes()


def test_a_restored_row_keeps_its_signal_and_leaves_other_rows_alone():
    room = _room()
    room.grow(3)
    room._state["signal"][2] = 9
    room.restore(2, room.save(1))
    assert room._state["few"].tolist() == [[0, 0, 0], [1, 2, 3], [1, 2, 3]]
    assert room._state["many"].tolist() == [-1, 7, 7]
    assert room._state["signal"][:, 0].tolist() == [0.0, 0.5, 9.0]


def test_a_row_is_forgotten_whole():
    room = _room()
    room.reset(np.array([1]))
    np.testing.assert_array_equal(room._state, _fresh(2))


@pytest.mark.parametrize("fault", [lambda saved: saved[:-1], lambda saved: saved * 2, lambda saved: b""])
def test_records_of_another_form_are_refused(fault):
    room = _room()
    with pytest.raises(ValueError):
        room.restore(0, fault(room.save(1)))
    np.testing.assert_array_equal(room._state[0], _fresh(1)[0])


def test_grown_rows_keep_what_they_hold_and_are_seldom_moved():
    rows, moved = np.ones((1, 3)), 0
    for n_rows in range(2, 200):
        more = grown(rows, n_rows)
        moved += not np.shares_memory(rows, more)
        assert more.shape == (n_rows, 3) and more[: n_rows - 1].all() and not more[n_rows - 1].any()
        more[-1] = 1
        rows = more
    assert moved <= 8


def test_rows_made_ahead_take_no_memory_until_they_are_written_to():
    with open("/proc/self/statm", encoding="ascii") as file:
        before = int(file.read().split()[1])
    rows = grown(np.zeros((1, 1 << 20), np.uint8), 512)
    with open("/proc/self/statm", encoding="ascii") as file:
        after = int(file.read().split()[1])
    assert rows.nbytes == 512 << 20 and (after - before) * 4096 < 64 << 20
