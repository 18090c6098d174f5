"""How far vitals lag behind the signal, by clocks that need not agree."""

import pytest

from ecgstream.web.lateness import Lateness
from ecgstream.wire import ecgstream_pb2 as pb


def told(lateness: Lateness, time_s: float, published_s: float) -> float:
    return lateness.take(pb.Vitals(time_ns=round(time_s * 1e9), published_time_ns=round(published_s * 1e9)))


@pytest.mark.parametrize("clock_s", [-7200.0, 0.0, 40.0])
def test_what_comes_later_than_usual_is_late_whatever_the_monitors_clock_says(clock_s: float):
    lateness = Lateness()
    late = [told(lateness, 10_000 + clock_s + at, 10_001 + at) for at in range(60)]
    assert max(late) < 0.01
    assert told(lateness, 10_060 + clock_s, 10_073) == pytest.approx(12, abs=0.1)
    assert told(lateness, 10_061 + clock_s, 10_062.0) == pytest.approx(0, abs=0.1)


def test_a_clock_that_is_set_back_makes_nothing_late_but_what_is_said_again_does_not_count_as_that():
    lateness = Lateness()
    told(lateness, 10_000, 10_001)
    assert told(lateness, 9_990, 10_021) == pytest.approx(30, abs=0.1), "another daemon has taken the bed up"
    assert told(lateness, 6_400, 10_022) == 0


def test_a_clock_that_loses_a_second_in_an_hour_makes_nothing_late():
    lateness = Lateness()
    assert max(told(lateness, at * (1 - 1 / 3600), at + 1) for at in range(10_000, 30_000, 10)) < 0.1
