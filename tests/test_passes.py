"""How far behind a daemon may be, one pass holds little of the log."""

from hypothesis import given
from hypothesis import strategies as st

from ecgstream.sources.message import Message, Position
from ecgstream.stages import PASS_S, in_passes


def message(n: int, partition: int, log_s: float) -> Message:
    return Message(str(n).encode(), "", 0, Position(partition, n, int(log_s * 1e9), 0))


@given(st.lists(st.tuples(st.integers(0, 2), st.floats(0, 3)), min_size=1, max_size=60))
def test_each_partition_stays_in_order_and_spans_no_more_than_a_pass(steps):
    at, messages = [0.0, 1e6, 2e6], []
    for n, (partition, step_s) in enumerate(steps):
        at[partition] += step_s
        messages.append(message(n, partition, at[partition]))
    parts = in_passes(messages)
    for partition in range(3):
        mine = [[m for m in part if m.position.partition == partition] for part in parts]
        assert [m for part in mine for m in part] == [m for m in messages if m.position.partition == partition]
        for part in mine:
            assert not part or part[-1].position.log_ns - part[0].position.log_ns <= PASS_S * 1e9
    assert sum(map(len, parts)) == len(messages)
    spans_s = [reached_s - first_s for reached_s, first_s in zip(at, (0.0, 1e6, 2e6), strict=True)]
    assert len(parts) <= max(spans_s) // PASS_S + 1, "partitions share passes"


def test_messages_without_a_log_are_one_pass():
    messages = [Message(b"", "", 0)] * 5
    assert in_passes(messages) == [messages]
