"""What an asystole alert says when it stands on a flat line."""

import numpy as np

from ecgstream.alarms.flat_line import FLAT_LINE, name_flat_line
from ecgstream.waveform import HOP_SAMPLES, AlarmUpdate, Condition, Priority


def update(row: int, hop: int, condition: Condition = Condition.ASYSTOLE, state: str = "active") -> AlarmUpdate:
    at = (hop + 1) * HOP_SAMPLES
    return AlarmUpdate(row, condition, "id", 0, state, Priority.HIGH, 0, at, "rules", "")


def test_only_asystole_that_begins_in_a_flat_hop_is_named_so():
    rows, first_hop = np.array([3, 7]), np.array([100, 200])
    standstill = np.zeros((2, 10), bool)
    standstill[1, 5:] = True
    updates = [
        update(3, 105),
        update(7, 204),
        update(7, 205),
        update(7, 205, Condition.PAUSE),
        update(7, 206, state="latched"),
    ]
    named = name_flat_line(updates, rows, first_hop, standstill)
    assert [each.text for each in named] == ["", "", FLAT_LINE, "", ""]
    assert name_flat_line(updates, rows, first_hop, np.zeros((2, 10), bool)) == updates
