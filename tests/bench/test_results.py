"""Whether a daemon kept up, from what was heard of it."""

from __future__ import annotations

import time

import pytest

from ecgstream.bench.results import Heard, result
from ecgstream.wire import ecgstream_pb2 as pb
from ecgstream.wire.codec import encode

BEDS, SECONDS = 4, 10


def heard(late_s: float, without: tuple[str, ...]) -> Heard:
    """A diagnosis a bed and second; the first ones withheld for these reasons."""
    found = Heard()
    for number in range(BEDS * SECONDS):
        why = without[number] if number < len(without) else ""
        at_ns = time.time_ns() - round(late_s * 1e9)
        content_type, payload = encode(pb.Diagnosis(version=1, stream_id="b", time_ns=at_ns, withheld=why))
        found.take(payload, content_type)
    return found


@pytest.mark.parametrize(
    ("late_s", "without", "lost", "kept_up"),
    [
        (0.2, (), 0, True),
        (0.2, ("noise", "settling"), 0, True),
        (1.2, (), 0, False),
        (0.2, (), 1, False),
        (0.2, ("overload",), 0, False),
    ],
)
def test_late_lost_and_shed_are_not_kept_up(late_s: float, without: tuple[str, ...], lost: int, kept_up: bool):
    after = {("ecgstream_intake_total", "gap"): float(lost)}
    assert result(heard(late_s, without), BEDS, SECONDS, {}, after, {})["kept_up"] == kept_up
