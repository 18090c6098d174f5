"""The short way through a chunk's bytes says what protobuf says, or leaves it to protobuf."""

import hypothesis.strategies as st
import numpy as np
import pytest
from google.protobuf.message import DecodeError
from hypothesis import given

from ecgstream.errors import WireError
from ecgstream.waveform import Chunk, GroupKind, SampleRange
from ecgstream.wire import codec
from ecgstream.wire import ecgstream_pb2 as pb
from ecgstream.wire.controls import is_text
from ecgstream.wire.groups import MAX_CHUNK_S
from ecgstream.wire.layouts import layout_of
from ecgstream.wire.plain import read_plain

from .messages import chunk_message, encoded, group_message

CHUNK = codec.content_type(pb.Chunk)


def by_protobuf(payload: bytes) -> Chunk | str:
    try:
        return codec.decode_chunk(payload, CHUNK)
    except WireError as error:
        return f"{error.reason}: {error}"


def assert_alike(payload: bytes, beside: bytes = b""):
    """What is read, with another message before it, is what protobuf reads; if the layout is one that can be."""
    plain = read_plain([beside, payload], [CHUNK, CHUNK])
    if plain.names[1] is None:
        return
    other = by_protobuf(payload)
    stream_id, layout = plain.names[1]
    sequence, start_ns, at, n_bytes, first_mark, end_mark = plain.numbers[1].tolist()
    marks = plain.marks[first_mark:end_mark].tolist()
    if isinstance(other, str) or other.ecg.layout.kind != GroupKind.ECG:
        assert not may_be_taken(stream_id, layout, n_bytes, marks), other
        return
    (group,) = other.groups
    assert (stream_id.decode(), sequence, start_ns) == (other.stream_id, other.sequence, other.start_ns)
    assert layout_of(layout) is group.layout and not (group.lead_off or other.monitor_alarms)
    assert tuple(SampleRange(*mark) for mark in marks) == group.pacer
    samples = plain.buffer[at : at + n_bytes].view("<i2").reshape(len(group.layout.channels), -1)
    np.testing.assert_array_equal(samples, group.samples)


def may_be_taken(stream_id: bytes, layout: bytes, n_bytes: int, marks: list[list[int]]) -> bool:
    """Whether intake may know a stream that is called so and has this layout, and take so many samples of it."""
    try:
        known, name = layout_of(layout), stream_id.decode()
    except (DecodeError, UnicodeDecodeError, WireError):
        return False
    n, rest = divmod(n_bytes, 2 * len(known.channels))
    if not all(start < stop <= n and channel < len(known.channels) for start, stop, channel in marks):
        return False
    return known.kind == GroupKind.ECG and is_text(name) and not rest and 0 < n / known.fs_hz <= MAX_CHUNK_S


PLETH = group_message("SpO2", kind=1, fs_hz=125, n_samples=125, unit="")


def messages() -> dict[str, pb.Chunk]:
    with_patient = chunk_message()
    with_patient.patient_reference = "P1"
    paced = chunk_message()
    paced.groups[0].pacer.add(start=3, stop=5)
    paced.groups[0].pacer.add(start=100, stop=101, channel=1)
    paced.groups[0].pacer.add(stop=200)
    huge = chunk_message()
    huge.sequence = 2**62
    oldest = chunk_message()
    oldest.ClearField("version")
    oldest.ClearField("sequence")
    return {
        "one group": chunk_message(),
        "a patient": with_patient,
        "pace pulses": paced,
        "a high number": huge,
        "defaults left out": oldest,
    }


@pytest.mark.parametrize("message", messages().values(), ids=messages())
def test_plain_chunks_take_the_short_way(message):
    payload, _ = encoded(message)
    for beside in (b"", b"\xff", payload):
        assert read_plain([beside, payload], [CHUNK, CHUNK]).names[1] is not None
        assert_alike(payload, beside)


def marked() -> pb.Chunk:
    message = chunk_message()
    message.groups[0].lead_off.add(start=0, stop=250, channel=1)
    return message


def marked_after_pulses() -> bytes:
    paced, marked_only = chunk_message(), pb.ChannelGroup(lead_off=[pb.SampleRange(stop=1)])
    paced.groups[0].pacer.add(start=0, stop=1)
    group = paced.groups[0].SerializeToString() + marked_only.SerializeToString()
    paced.ClearField("groups")
    return paced.SerializeToString() + b"\x2a" + _varint(len(group)) + group


def _varint(number: int) -> bytes:
    return bytes([number & 0x7F | 0x80, number >> 7])


def alarming() -> pb.Chunk:
    message = chunk_message()
    message.monitor_alarms.add(name="asystole", start_time_ns=5)
    return message


def unfamiliar() -> bytes:
    return encoded(chunk_message())[0] + b"\xf8\x07\x01"  # field 127, of a later version


@pytest.mark.parametrize(
    "payload",
    [
        encoded(marked())[0],
        marked_after_pulses(),
        encoded(alarming())[0],
        encoded(chunk_message(group_message("I", "II"), PLETH))[0],
        unfamiliar(),
        b"",
        b"\x08\x01",
        b"\x08\x02" + encoded(chunk_message())[0],
    ],
    ids=[
        "marks",
        "marks after pulses",
        "alarms",
        "two groups",
        "a later field",
        "nothing",
        "a version",
        "another version",
    ],
)
def test_the_rest_is_left_to_protobuf(payload):
    assert read_plain([payload], [CHUNK]).names == [None]


def test_no_messages_are_no_chunks():
    plain = read_plain([], [])
    assert len(plain.buffer) == 0 and plain.names == []


@given(
    st.sampled_from(sorted(messages())),
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=4),
    st.one_of(st.none(), st.integers(0, 1_500)),
)
def test_whatever_is_broken_both_ways_agree(name, changes, cut):
    payload = bytearray(encoded(messages()[name])[0])
    for at, value in changes:
        payload[at % len(payload)] = value
    assert_alike(bytes(payload[:cut]))
