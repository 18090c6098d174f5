"""What a good chunk becomes."""

import json
from fractions import Fraction

import numpy as np
import pytest

from ecgstream.waveform import GroupKind, MonitorAlarm, SampleRange
from ecgstream.wire import ecgstream_pb2 as pb
from ecgstream.wire.codec import decode_chunk

from .messages import chunk_message, encoded, group_message


@pytest.mark.parametrize("fmt", ["protobuf", "json"])
def test_a_chunk_arrives_as_it_was_sent(fmt):
    message = chunk_message()
    message.patient_reference = "P1"
    message.groups[0].lead_off.add(start=0, stop=250, channel=1)
    message.groups[0].pacer.add(start=3, stop=4)
    message.monitor_alarms.add(mdc_code=199684, name="asystole", start_time_ns=5, ended=True, priority="high")
    chunk = decode_chunk(*encoded(message, fmt))
    assert (chunk.stream_id, chunk.sequence, chunk.start_ns, chunk.patient) == ("bed-1", 7, message.start_time_ns, "P1")
    np.testing.assert_array_equal(chunk.ecg.samples, np.arange(500).reshape(2, 250))
    assert chunk.ecg.lead_off == (SampleRange(0, 250, 1),)
    assert chunk.ecg.pacer == (SampleRange(3, 4, -1),)
    assert chunk.monitor_alarms == (MonitorAlarm(199684, "asystole", 5, False, "high"),)


def test_samples_are_a_read_only_view():
    samples = decode_chunk(*encoded(chunk_message())).ecg.samples
    assert samples.dtype == np.dtype("<i2")
    assert not samples.flags.writeable and not samples.flags.owndata
    with pytest.raises(ValueError, match="read-only"):
        samples[0, 0] = 1


def test_samples_are_little_endian():
    message = chunk_message(group_message("I", n_samples=2))
    message.groups[0].samples = b"\x01\x00\xff\x7f"
    assert decode_chunk(*encoded(message)).ecg.samples.tolist() == [[1, 32767]]


def test_the_ecg_comes_first_and_the_rest_in_the_order_sent():
    resp = group_message("RESP", kind=3, fs_hz=25, n_samples=25, unit="ohm")
    pleth = group_message("SpO2", kind=1, fs_hz=125, n_samples=125, unit="")
    chunk = decode_chunk(*encoded(chunk_message(resp, group_message("II"), pleth)))
    assert [group.layout.kind for group in chunk.groups] == [GroupKind.ECG, GroupKind.RESP, GroupKind.PLETH]
    assert [channel.name for channel in chunk.groups[1].layout.channels] == ["RESP"]
    assert chunk.groups[1].layout.slots == ()


def test_a_group_of_a_later_kind_is_another_group():
    later = group_message("CO2", kind=9, unit="mmHg")
    chunk = decode_chunk(*encoded(chunk_message(group_message("II"), later)))
    assert chunk.groups[1].layout.kind == GroupKind.OTHER


def test_microvolts_become_millivolts():
    message = chunk_message(group_message("II", unit="uV"))
    message.groups[0].layout.channels[0].gain = 0.2  # raw units per uV
    channel = decode_chunk(*encoded(message)).ecg.layout.channels[0]
    assert (channel.unit, channel.gain) == ("mV", 200.0)


def test_what_is_absent_has_its_default():
    message = chunk_message()
    message.groups[0].layout.channels[1].invalid_value = 0  # present, though zero
    layout = decode_chunk(*encoded(message)).ecg.layout
    assert layout.fs_hz == Fraction(250)
    assert [channel.invalid_value for channel in layout.channels] == [-32768, 0]
    assert decode_chunk(*encoded(message)).patient is None


def test_a_fraction_of_a_hertz_is_exact():
    message = chunk_message()
    message.groups[0].layout.fs_numerator, message.groups[0].layout.fs_denominator = 9986, 20
    assert decode_chunk(*encoded(message)).ecg.layout.fs_hz == Fraction(4993, 10)


def test_groups_may_differ_by_one_sample():
    half_sample = group_message("RESP", kind=3, fs_hz=125, n_samples=62)
    half_sample.layout.fs_denominator = 2  # 62.5 Hz: 62 samples in one second, 63 in the next
    chunk = decode_chunk(*encoded(chunk_message(group_message("II"), half_sample)))
    assert chunk.groups[1].samples.shape == (1, 62)


def test_a_time_beyond_int64_is_cut_to_it():
    message = chunk_message()
    message.start_time_ns = 2**64 - 1
    assert decode_chunk(*encoded(message)).start_ns == 2**63 - 1


def test_unknown_fields_pass_in_protobuf():
    payload, content_type = encoded(chunk_message())
    unknown = bytes([15 << 3 | 2, 3]) + b"new"  # field 15, three bytes
    assert decode_chunk(payload + unknown, content_type).sequence == 7


def test_unknown_fields_pass_in_json():
    payload, content_type = encoded(chunk_message(), "json")
    message = json.loads(payload) | {"invented": {"later": [1, 2]}}
    message["groups"][0]["colour"] = "red"
    assert decode_chunk(json.dumps(message).encode(), content_type).sequence == 7


def test_both_spellings_of_json_names_are_read():
    payload, content_type = encoded(chunk_message(), "json")
    assert b'"streamId"' in payload
    assert decode_chunk(payload.replace(b"streamId", b"stream_id"), content_type).stream_id == "bed-1"


def test_equal_layouts_are_one_object():
    spelled_out = chunk_message(group_message("Lead I", "MLII"))
    spelled_out.groups[0].layout.fs_numerator, spelled_out.groups[0].layout.fs_denominator = 500, 2
    spelled_out.groups[0].layout.channels[0].invalid_value = -32768
    first = decode_chunk(*encoded(chunk_message()))
    second = decode_chunk(*encoded(spelled_out))
    assert first.ecg.layout is second.ecg.layout
    other = decode_chunk(*encoded(chunk_message(group_message("I", "V1"))))
    assert other.ecg.layout is not first.ecg.layout


def test_a_layout_somebody_holds_outlives_the_cache():
    from ecgstream.wire.layouts import layout_of

    held = decode_chunk(*encoded(chunk_message())).ecg.layout
    layout_of.cache_clear()
    assert decode_chunk(*encoded(chunk_message())).ecg.layout is held


def test_a_control_message_is_no_chunk():
    from ecgstream.errors import WireError

    with pytest.raises(WireError, match="A chunk is expected here, and a control came") as refusal:
        decode_chunk(*encoded(pb.Control(stream_id="bed-1")))
    assert refusal.value.reason == "wrong_message"
