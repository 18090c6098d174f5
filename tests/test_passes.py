"""How far behind a daemon may be, one pass holds little of the log."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ecgstream.sources.message import Message, Position
from ecgstream.stages import PASS_S, in_passes


def message(n: int, partition: int, log_s: float) -> Message:
    return Message(str(n).encode(), "", 0, Position(partition, n, int(log_s * 1e9), 0))


@given(st.lists(st.tuples(st.integers(0, 2), st.floats(0, 3)), min_size=1, max_size=60))
def test_messages_stay_in_order_and_no_partition_spans_more_than_a_pass(steps):
    at, messages = [0.0, 1e6, 2e6], []
    for n, (partition, step_s) in enumerate(steps):
        at[partition] += step_s
        messages.append(message(n, partition, at[partition]))
    parts = list(in_passes(messages))
    assert [m for part in parts for m in part] == messages and all(parts)
    for part in parts:
        for partition in range(3):
            times = [m.position.log_ns for m in part if m.position.partition == partition]
            assert not times or times[-1] - times[0] <= PASS_S * 1e9
    for part, after in pairwise(parts):
        last = after[0].position
        first = next(m.position for m in part if m.position.partition == last.partition)
        assert last.log_ns - first.log_ns > PASS_S * 1e9, "no pass is shorter than it must be"


def test_messages_without_a_log_are_one_pass():
    messages = [Message(b"", "", 0)] * 5
    assert list(in_passes(messages)) == [messages]
