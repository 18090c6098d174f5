"""Content types, and the refusal of those that are not ours."""

import pytest

from ecgstream.errors import WireError
from ecgstream.wire import ecgstream_pb2 as pb
from ecgstream.wire.codec import decode, decode_chunk, encode
from ecgstream.wire.content_types import MESSAGES, content_type, meaning


@pytest.mark.parametrize("name", MESSAGES)
@pytest.mark.parametrize("fmt", ["protobuf", "json"])
def test_every_message_has_a_content_type_in_both_formats(name, fmt):
    stated = content_type(name, fmt)
    assert stated == f"application/vnd.ecgstream.{name}.v1+{fmt}"
    assert meaning(stated) == (MESSAGES[name], fmt)
    assert content_type(MESSAGES[name], fmt) == content_type(MESSAGES[name](), fmt) == stated


@pytest.mark.parametrize("fmt", ["protobuf", "json"])
def test_any_message_survives_the_way(fmt):
    alert = pb.Alert(version=1, alert_id="a", update=3, state=pb.Alert.LATCHED, onset_time_ns=2**63, delay_s=0.1)
    stated, payload = encode(alert, fmt)
    assert decode(payload, stated) == alert


@pytest.mark.parametrize(
    ("stated", "reason"),
    [
        ("", "malformed"),
        ("application/json", "unknown_content_type"),
        ("application/vnd.ecgstream.chunk.v1", "unknown_content_type"),
        ("application/vnd.ecgstream.novel.v1+json", "unknown_content_type"),
        ("application/vnd.ecgstream.chunk.v1+xml", "unknown_content_type"),
        ("application/vnd.ecgstream.chunk.v2+protobuf", "unknown_version"),
        ("application/vnd.ecgstream.chunk.v0+protobuf", "unknown_version"),
        ("application/vnd.ecgstream.alert.v1+protobuf", "wrong_message"),
    ],
)
def test_other_content_types_are_refused(stated, reason):
    with pytest.raises(WireError) as refusal:
        decode_chunk(b"", stated)
    assert refusal.value.reason == reason


def test_an_unknown_major_version_is_refused_by_name():
    with pytest.raises(WireError, match="major version 12; this ecgstream speaks version 1 only"):
        decode(b"", "application/vnd.ecgstream.vitals.v12+json")
    with pytest.raises(WireError, match="states major version 2; this ecgstream speaks version 1 only") as refusal:
        decode(*reversed(encode(pb.Vitals(version=2))))
    assert refusal.value.reason == "unknown_version"


def test_version_zero_is_read_as_one():
    assert decode(*reversed(encode(pb.Vitals(stream_id="x")))).stream_id == "x"
