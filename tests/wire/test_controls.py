"""Control requests: the good ones pass, the others are told their fault."""

import pytest

from ecgstream.errors import WireError
from ecgstream.wire import ecgstream_pb2 as pb
from ecgstream.wire.codec import decode_control

from .messages import chunk_message, encoded

GOOD = [
    {"acknowledge": pb.Acknowledge()},
    {"acknowledge": pb.Acknowledge(alert_id="abc")},
    {"pause": pb.Pause(duration_s=120)},
    {"pause": pb.Pause(condition="tachycardia", duration_s=0)},
    {"limits": pb.Limits(bradycardia_bpm=45)},
    {"preset": pb.Preset(name="neonate")},
    {"alarm_switch": pb.AlarmSwitch(condition="tachycardia", off=True)},
    {"association": pb.Association()},
    {"association": pb.Association(patient_reference="P2")},
]
BAD = [
    ({}, "holds no order"),
    ({"request_id": "x" * 201, "acknowledge": pb.Acknowledge()}, "request id"),
    ({"actor": "a\nb", "acknowledge": pb.Acknowledge()}, "actor"),
    ({"acknowledge": pb.Acknowledge(alert_id="x" * 201)}, "alert_id"),
    ({"pause": pb.Pause(condition="\t", duration_s=1)}, "condition must be"),
    ({"pause": pb.Pause(duration_s=float("nan"))}, "duration_s must be a finite number; found nan"),
    ({"limits": pb.Limits(tachycardia_bpm=float("inf"))}, "tachycardia_bpm"),
    ({"association": pb.Association(patient_reference="x" * 201)}, "patient_reference"),
]


@pytest.mark.parametrize("order", GOOD)
@pytest.mark.parametrize("fmt", ["protobuf", "json"])
def test_a_valid_order_passes(order, fmt):
    control = pb.Control(version=1, request_id="r1", stream_id="bed-1", actor="nurse", **order)
    assert decode_control(*encoded(control, fmt)) == control


@pytest.mark.parametrize(("fields", "sentence"), BAD)
def test_an_order_that_breaks_a_rule_is_refused(fields, sentence):
    with pytest.raises(WireError, match=sentence) as refusal:
        decode_control(*encoded(pb.Control(stream_id="bed-1", **fields)))
    assert refusal.value.reason == "bad_order"


def test_an_order_for_no_stream_is_refused():
    with pytest.raises(WireError, match="stream id") as refusal:
        decode_control(*encoded(pb.Control(acknowledge=pb.Acknowledge())))
    assert refusal.value.reason == "bad_stream_id"


def test_a_chunk_is_no_control():
    with pytest.raises(WireError, match="A control is expected here, and a chunk came") as refusal:
        decode_control(*encoded(chunk_message()))
    assert refusal.value.reason == "wrong_message"
