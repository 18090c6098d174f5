"""How far behind a daemon may be, one pass holds little of the log."""

from hypothesis import given
from hypothesis import strategies as st

from ecgstream.passes import PASS_S, in_passes
from ecgstream.sources.message import Message, Position


def message(n: int, partition: int, log_s: float) -> Message:
    return Message(str(n).encode(), "", 0, Position(partition, n, int(log_s * 1e9), 0))


@given(st.lists(st.tuples(st.integers(0, 2), st.floats(0, 3)), min_size=1, max_size=60))
def test_each_partition_stays_in_order_and_spans_no_more_than_a_pass(steps):
    at, messages = [0.0, 1e6, 2e6], []
    for n, (partition, step_s) in enumerate(steps):
        at[partition] += step_s
        messages.append(message(n, partition, at[partition]))
    parts, ahead = in_passes(messages)
    assert ahead == []
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
    assert in_passes(messages, more=True) == ([messages], [])


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 12)), min_size=1, max_size=8))
def test_who_is_ahead_waits_for_the_slowest_while_more_is_to_come(batches):
    """Batches as a broker gives them: seconds of one partition at a time."""
    at, ahead, done = [0, 0, 0], [], []
    for partition, seconds in batches:
        new = [message(n, partition, n) for n in range(at[partition], at[partition] + seconds)]
        at[partition] += seconds
        before = ahead + new
        passes, ahead = in_passes(before, more=True)
        done += [m for part in passes for m in part]
        slowest = {m.position.partition for m in before} - {m.position.partition for m in ahead}
        assert slowest, "somebody goes on"
        assert len(ahead) + sum(map(len, passes)) == len(before)
    done += [m for part in in_passes(ahead)[0] for m in part]
    for partition in range(3):
        assert [m.position.offset for m in done if m.position.partition == partition] == list(range(at[partition]))
