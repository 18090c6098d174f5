"""The short way through a chunk's bytes says what protobuf says, or leaves it to protobuf."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from ecgstream.errors import WireError
from ecgstream.waveform import Chunk
from ecgstream.wire import codec
from ecgstream.wire import ecgstream_pb2 as pb
from ecgstream.wire.plain import read_plain

from .messages import chunk_message, encoded, group_message

CHUNK = codec.content_type(pb.Chunk)


def by_protobuf(payload: bytes) -> Chunk | str:
    try:
        return codec.decode_chunk(payload, CHUNK)
    except WireError as error:
        return f"{error.reason}: {error}"


def assert_alike(payload: bytes, beside: bytes = b""):
    """What is read, with another message before it, is what protobuf reads."""
    buffer, (_, chunk) = read_plain([beside, payload], [CHUNK, CHUNK])
    if chunk is None:
        return
    other = by_protobuf(payload)
    assert not isinstance(other, str), other
    (group,) = other.groups
    assert chunk[:4] == (other.stream_id, other.sequence, other.start_ns, group.layout)
    assert chunk.layout is group.layout and not (group.lead_off or other.monitor_alarms)
    assert chunk.pacer == group.pacer
    channels = len(group.layout.channels)
    samples = buffer[chunk.at : chunk.at + 2 * channels * chunk.n].view("<i2").reshape(channels, chunk.n)
    np.testing.assert_array_equal(samples, group.samples)


PLETH = group_message("SpO2", kind=1, fs_hz=125, n_samples=125, unit="")


def messages() -> dict[str, pb.Chunk]:
    with_patient = chunk_message()
    with_patient.patient_reference = "P1"
    paced = chunk_message()
    paced.groups[0].pacer.add(start=3, stop=5)
    paced.groups[0].pacer.add(start=100, stop=101, channel=1)
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
        assert read_plain([beside, payload], [CHUNK, CHUNK])[1][1] is not None
        assert_alike(payload, beside)


def marked() -> pb.Chunk:
    message = chunk_message()
    message.groups[0].lead_off.add(start=0, stop=250, channel=1)
    return message


def paced_outside() -> pb.Chunk:
    message = chunk_message()
    message.groups[0].pacer.add(start=250, stop=251)
    return message


def alarming() -> pb.Chunk:
    message = chunk_message()
    message.monitor_alarms.add(name="asystole", start_time_ns=5)
    return message


def marked_after_pulses() -> bytes:
    paced, marked_only = chunk_message(), pb.ChannelGroup(lead_off=[pb.SampleRange(stop=1)])
    paced.groups[0].pacer.add(start=0, stop=1)
    group = paced.groups[0].SerializeToString() + marked_only.SerializeToString()
    paced.ClearField("groups")
    return paced.SerializeToString() + b"\x2a" + _varint(len(group)) + group


def _varint(number: int) -> bytes:
    return bytes([number & 0x7F | 0x80, number >> 7])


def unfamiliar() -> bytes:
    return encoded(chunk_message())[0] + b"\xf8\x07\x01"  # field 127, of a later version


@pytest.mark.parametrize(
    "payload",
    [
        encoded(marked())[0],
        encoded(paced_outside())[0],
        marked_after_pulses(),
        encoded(alarming())[0],
        encoded(chunk_message(group_message("I", "II"), PLETH))[0],
        encoded(chunk_message(PLETH))[0],
        unfamiliar(),
        b"",
        b"\x08\x01",
        b"\x08\x02" + encoded(chunk_message())[0],
    ],
    ids=[
        "marks",
        "pace pulses outside",
        "marks after pulses",
        "alarms",
        "two groups",
        "no ECG",
        "a later field",
        "nothing",
        "a version",
        "another version",
    ],
)
def test_the_rest_is_left_to_protobuf(payload):
    assert read_plain([payload], [CHUNK])[1] == [None]


def test_no_messages_are_no_chunks():
    buffer, chunks = read_plain([], [])
    assert len(buffer) == 0 and chunks == []


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
