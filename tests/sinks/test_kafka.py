"""What a reader of the output topics gets."""

import uuid
from types import SimpleNamespace

import pytest

from ecgstream.kafka.producers import NO_PARTITION, Producers
from ecgstream.sinks.kafka import KafkaSink
from ecgstream.wire import ecgstream_pb2 as pb
from ecgstream.wire.codec import encode

from ..kafka.topics import messages

PUBLISHED_NS = 1_767_225_600_250_000_000
STAMP = {"stream_id": "ward-3/bed-12", "published_time_ns": PUBLISHED_NS}
OUTPUTS = [
    ("alert", "alerts", pb.Alert(alert_id="a1", update=2, **STAMP), "a1/2"),
    ("alert", "alerts", pb.Alert(alert_id="a1", update=2, escalation=1, **STAMP), "a1/2/1"),
    ("diagnosis", "diagnoses", pb.Diagnosis(sample=500, **STAMP), "diagnosis/ward-3/bed-12/500"),
    ("vitals", "vitals", pb.Vitals(sample=750, **STAMP), "vitals/ward-3/bed-12/750"),
    (
        "verdict",
        "verdicts",
        pb.Verdict(alarm=pb.MonitorAlarm(name="asystole", start_time_ns=7), **STAMP),
        "verdict/ward-3/bed-12/asystole/7",
    ),
]


@pytest.mark.parametrize("fmt", ["protobuf", "json"])
@pytest.mark.parametrize(("name", "topic", "message", "identity"), OUTPUTS, ids=[output[0] for output in OUTPUTS])
async def test_each_message_goes_to_its_topic_with_cloudevents_headers(
    kafka_settings, name, topic, message, identity, fmt
):
    kind, payload = encode(message, fmt)
    producers = Producers(kafka_settings)
    sink = KafkaSink(kafka_settings, producers)
    await sink.start()
    for _ in range(2):  # told again after a restart, it is the same for whoever looks at the headers alone
        sink.send(
            NO_PARTITION, SimpleNamespace(stream_id=message.stream_id, name=name, content_type=kind, payload=payload)
        )
    await sink.confirm()
    await sink.close()
    await producers.close(1.0)
    found, again = messages(kafka_settings.bootstrap[0], getattr(kafka_settings.topics, topic))
    assert (found.key, found.value) == (b"ward-3/bed-12", payload)
    assert again.headers == found.headers
    assert dict(found.headers) == {
        "content-type": kind.encode(),
        "ce_specversion": b"1.0",
        "ce_id": identity.encode(),
        "ce_source": f"/ecgstream/{kafka_settings.group}".encode(),
        "ce_type": f"ecgstream.{name}.v1".encode(),
        "ce_time": b"2026-01-01T00:00:00.250+00:00",
        "ce_subject": b"ward-3/bed-12",
    }


async def test_a_beds_messages_stay_in_order(kafka_settings):
    producers = Producers(kafka_settings)
    sink = KafkaSink(kafka_settings, producers)
    beds = [f"bed-{uuid.uuid4().hex[:4]}" for _ in range(7)]
    for number in range(50):
        for bed in beds:
            kind, payload = encode(pb.Alert(alert_id="a", update=number, stream_id=bed))
            outgoing = SimpleNamespace(stream_id=bed, name="alert", content_type=kind, payload=payload)
            sink.send(NO_PARTITION, outgoing)
        await sink.confirm()
    await producers.close(1.0)
    found = messages(kafka_settings.bootstrap[0], kafka_settings.topics.alerts)
    for bed in beds:
        of_bed = [pb.Alert.FromString(message.value).update for message in found if message.key == bed.encode()]
        assert of_bed == list(range(50))
    assert len({message.partition for message in found}) > 1
