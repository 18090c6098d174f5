"""What is taken in together is what one by one would give, whatever the messages are."""

from __future__ import annotations

from dataclasses import replace

import hypothesis.strategies as st
import numpy as np
from hypothesis import given, settings

from ecgstream.intake import Intake
from ecgstream.reception import in_parts, read, take_in
from ecgstream.sources.message import Message
from ecgstream.waveform import ChannelGroup, Chunk, GroupKind, SampleRange
from ecgstream.wire.codec import decode_chunk, encode, encode_chunk

from .intake.monitor import SECOND_NS, Listener, cut, layout, same, signal

SECONDS = 6
COLUMNS = ("last_arrival_ns", "clock_wrong", "newest_grid", "next_hop", "ready_hop")


def message(chunk: Chunk, arrived_ns: int) -> Message:
    content_type, payload = encode(encode_chunk(chunk))
    return Message(payload, content_type, arrived_ns)


def one_by_one(ear: Listener, messages: list[Message]) -> None:
    for one in messages:
        ear.accept(decode_chunk(one.payload, one.content_type), one.arrived_ns)
    ear.take()


def together(ear: Listener, messages: list[Message]) -> int:
    """How many had to be taken one by one."""
    alone = 0
    for part in in_parts(messages):
        for one, _ in take_in(ear.intake, part, read(part), lambda *_: True):
            ear.accept(decode_chunk(one.payload, one.content_type), one.arrived_ns)
            alone += 1
    ear.take()
    return alone


def assert_alike(one: Intake, other: Intake) -> None:
    assert one.counts == other.counts and one.accepted == other.accepted and one.row_of == other.row_of
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), name)
    for row in range(one.n_rows):
        assert one.snapshot(row) == other.snapshot(row)


def feed(stream_id: str, edges: set[int], n_leads: int, seed: int) -> list[Chunk]:
    samples = signal(SECONDS * 250, n_leads, seed)
    samples[:, ::97] = -32768  # the value that says "not valid"
    return cut(samples, edges, stream_id=stream_id)


@st.composite
def unusual(draw, chunk: Chunk) -> Chunk:
    """The chunk, or one beside the usual: its clock, number, marks, groups."""
    match draw(st.sampled_from(["as it is"] * 12 + ["clock", "wild", "number", "marks", "paced", "pleth"])):
        case "clock":
            return replace(chunk, start_ns=chunk.start_ns + draw(st.integers(-3, 3)) * SECOND_NS)
        case "wild":
            return replace(chunk, start_ns=5)
        case "number":
            return replace(chunk, sequence=max(0, chunk.sequence + draw(st.integers(-3, 3))))
        case "marks":
            return replace(chunk, groups=(replace(chunk.ecg, lead_off=(SampleRange(0, 1, 0),)),))
        case "paced":
            stop = draw(st.integers(1, chunk.ecg.samples.shape[1]))
            return replace(
                chunk, groups=(replace(chunk.ecg, pacer=(SampleRange(0, 1, 0), SampleRange(stop - 1, stop))),)
            )
        case "pleth":
            beside = ChannelGroup(layout(n_leads=1, kind=GroupKind.PLETH), chunk.ecg.samples[:1])
            return replace(chunk, groups=(chunk.ecg, beside))
    return chunk


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_together_is_one_by_one(data: st.DataObject):
    edges = st.sets(st.integers(1, SECONDS * 250 - 1), max_size=20)
    chunks = [
        data.draw(unusual(chunk))
        for number, n_leads in enumerate((2, 2, 3))
        for chunk in feed(f"bed-{number}", data.draw(edges), n_leads, number)
    ]
    chunks.sort(key=lambda chunk: chunk.start_ns)
    messages = [message(chunk, chunk.start_ns if chunk.start_ns > 5 else 10**18) for chunk in chunks]
    size = data.draw(st.integers(1, 60))
    one, other = Listener(), Listener()
    for start in range(0, len(messages), size):
        one_by_one(one, messages[start : start + size])
        together(other, messages[start : start + size])
    assert_alike(one.intake, other.intake)
    assert one.ears.keys() == other.ears.keys()
    assert all(same(one.ears[stream_id], other.ears[stream_id]) for stream_id in one.ears)


def test_of_a_steady_feed_only_the_first_is_looked_at_alone():
    chunks = [chunk for number in range(3) for chunk in feed(f"bed-{number}", set(range(50, 1500, 50)), 6, number)]
    chunks.sort(key=lambda chunk: chunk.start_ns)
    ear, messages = Listener(), [message(chunk, chunk.start_ns) for chunk in chunks]
    assert [together(ear, messages[start : start + 30]) for start in (0, 30, 60)] == [3, 0, 0]


def test_unwanted_messages_leave_no_trace():
    chunks = feed("bed", {250, 500, 750}, 2, 0)
    ear, messages = Listener(), [message(chunk, chunk.start_ns) for chunk in chunks]
    assert together(ear, messages[:2]) == 1
    before, asked = ear.intake.snapshot(0), []
    left = take_in(ear.intake, messages[2:], read(messages[2:]), lambda stream_id, one: asked.append((stream_id, one)))
    assert list(left) == [] and asked == [("bed", one) for one in messages[2:]]
    assert ear.intake.snapshot(0) == before and ear.intake.accepted == 2
