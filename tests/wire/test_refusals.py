"""Every rule a chunk can break, and the name its refusal has."""

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from ecgstream.errors import WireError
from ecgstream.wire import ecgstream_pb2 as pb
from ecgstream.wire.codec import MAX_PAYLOAD_BYTES, decode_chunk
from ecgstream.wire.content_types import content_type
from ecgstream.wire.refusals import Refusal

from .messages import chunk_message, encoded, group_message


def _layout(**fields):
    def break_it(message: pb.Chunk) -> None:
        for name, value in fields.items():
            setattr(message.groups[0].layout, name, value)

    return break_it


def _channel(**fields):
    def break_it(message: pb.Chunk) -> None:
        for name, value in fields.items():
            setattr(message.groups[0].layout.channels[0], name, value)

    return break_it


def _field(**fields):
    def break_it(message: pb.Chunk) -> None:
        for name, value in fields.items():
            setattr(message, name, value)

    return break_it


def _samples(data: bytes):
    return lambda message: setattr(message.groups[0], "samples", data)


def _groups(*groups: pb.ChannelGroup):
    def break_it(message: pb.Chunk) -> None:
        del message.groups[:]
        message.groups.extend(groups)

    return break_it


def _range(marks: str = "lead_off", **fields):
    return lambda message: getattr(message.groups[0], marks).add(**fields)


ECG = group_message("II")
PLETH = group_message("SpO2", kind=1, fs_hz=125, n_samples=125, unit="")
BROKEN = [
    ("unknown_version", "version 2", _field(version=2)),
    ("bad_stream_id", "stream id", _field(stream_id="")),
    ("bad_stream_id", "found 201", _field(stream_id="x" * 201)),
    ("bad_stream_id", "printable", _field(stream_id="bed\n1")),
    ("bad_sequence", "9223372036854775808", _field(sequence=2**63)),
    ("not_one_ecg", "0 ECG groups", _groups()),
    ("not_one_ecg", "0 ECG groups", _groups(PLETH)),
    ("not_one_ecg", "2 ECG groups", _groups(ECG, ECG)),
    ("bad_channels", "0 channels", _groups(group_message())),
    ("bad_channels", "65 channels", _groups(ECG, group_message(*map(str, range(65)), kind=4))),
    ("bad_channels", "65 channels", _groups(ECG, *[group_message(*map(str, range(32)), kind=4)] * 2)),
    ("bad_channels", "66 groups", _groups(ECG, *[PLETH] * 65)),
    ("bad_rate", "0/0 Hz", _layout(fs_numerator=0)),
    ("bad_rate", "10001/0 Hz", _layout(fs_numerator=10_001)),
    ("bad_rate", "1/2 Hz", _layout(fs_numerator=1, fs_denominator=2)),
    ("bad_rate", "250001/1001 Hz", _layout(fs_numerator=250_001, fs_denominator=1_001)),
    ("bad_gain", "gain of 0.0", _channel(gain=0)),
    ("bad_gain", "gain of -200.0", _channel(gain=-200)),
    ("bad_gain", "gain of inf", _channel(gain=float("inf"))),
    ("bad_gain", "gain of nan", _channel(gain=float("nan"))),
    ("bad_gain", "gain of 1e-300", _channel(gain=1e-300)),
    ("bad_unit", "'V'", _channel(unit="V")),
    ("bad_unit", "''", _channel(unit="")),
    ("bad_name", "64 printable", _channel(name="x" * 65)),
    ("bad_name", "printable", _channel(name="I\x00")),
    ("lead_contradiction", "131331", _channel(mdc_code=131331, name="III")),
    ("lead_twice", "lead II", _channel(name="MLII")),
    ("too_many_unknown_leads", "More than 4", _groups(group_message(*"abcde"))),
    ("bad_samples", "0 bytes", _samples(b"")),
    ("bad_samples", "6 bytes", _samples(b"abcdef")),
    ("bad_samples", "multiple of 4", _samples(b"abc")),
    ("too_long", "60.0 s", _groups(group_message("I", n_samples=15_001))),
    ("unequal_durations", "0.992 s", _groups(ECG, group_message("a", kind=3, fs_hz=250, n_samples=248))),
    ("bad_range", "[250, 251)", _range(start=250, stop=251)),
    ("bad_range", "[0, 251)", _range("pacer", start=0, stop=251)),
    ("bad_range", "[5, 5)", _range(start=5, stop=5)),
    ("bad_range", "channel 2", _range(start=0, stop=1, channel=2)),
    ("bad_range", "1025 marked", lambda message: [_range(start=0, stop=1)(message) for _ in range(1025)]),
    ("too_many_alarms", "65 monitor", lambda message: [message.monitor_alarms.add() for _ in range(65)]),
]


@pytest.mark.parametrize(("reason", "found", "break_it"), BROKEN)
@pytest.mark.parametrize("fmt", ["protobuf", "json"])
def test_a_broken_rule_is_refused_by_its_name(reason, found, break_it, fmt):
    message = chunk_message()
    break_it(message)
    with pytest.raises(WireError) as refusal:
        decode_chunk(*encoded(message, fmt))
    assert refusal.value.reason == reason
    assert found in str(refusal.value)


def test_an_oversize_payload_is_refused_unread():
    with pytest.raises(WireError, match=f"{MAX_PAYLOAD_BYTES + 1} bytes") as refusal:
        decode_chunk(bytes(MAX_PAYLOAD_BYTES + 1), content_type("chunk"))
    assert refusal.value.reason == "oversize"


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"3",
        b"null",
        b'{"streamId": 3}',
        b'{"groups": [null]}',
        b"\xff",
        b'{"version": 1e400}',
        b"[" * 100_000,
        b'{"sequence": NaN}',
        b'{"groups": {}}',
    ],
)
def test_json_that_is_no_chunk_is_refused(payload):
    with pytest.raises(WireError) as refusal:
        decode_chunk(payload, content_type("chunk", "json"))
    assert refusal.value.reason == "bad_json"


def test_every_refusal_of_chunks_is_tried_here():
    elsewhere = {
        "malformed",
        "unknown_content_type",
        "wrong_message",
        "oversize",
        "bad_json",
        "bad_protobuf",
        "bad_order",
    }
    assert {reason for reason, *_ in BROKEN} | elsewhere == set(Refusal)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(["protobuf", "json"]))
def test_no_bytes_do_anything_but_decode_or_be_refused(payload, fmt):
    with pytest.raises(WireError):
        decode_chunk(payload, content_type("chunk", fmt))


@settings(max_examples=300, deadline=None)
@given(st.data(), st.sampled_from(["protobuf", "json"]))
def test_a_chunk_with_a_few_bytes_altered_decodes_or_is_refused(data, fmt):
    payload, stated = encoded(chunk_message(group_message("I", "II", n_samples=3), PLETH), fmt)
    altered = bytearray(payload)
    for _ in range(data.draw(st.integers(1, 4))):
        altered[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    try:
        chunk = decode_chunk(bytes(altered), stated)
    except WireError as refusal:
        assert refusal.reason in set(Refusal)
    else:
        assert chunk.ecg.samples.shape[0] == len(chunk.ecg.layout.slots)


def test_a_payload_cut_short_is_refused():
    payload, stated = encoded(chunk_message())
    with pytest.raises(WireError) as refusal:
        decode_chunk(payload[:-3], stated)
    assert refusal.value.reason == "bad_protobuf"
