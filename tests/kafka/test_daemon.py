"""The daemon as a process on Kafka: dead letters, orders, restarts, a broker that goes away, ZeroMQ at one end."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import zmq
from aiokafka import AIOKafkaProducer

from ecgstream.demo.processes import DaemonProcess
from ecgstream.kafka.keys import partition_of_key
from ecgstream.kafka.topics import create
from ecgstream.settings import KafkaSettings, Settings
from ecgstream.wire import ecgstream_pb2 as pb
from ecgstream.wire.codec import decode, encode

from ..feed import SECONDS, Bed
from .topics import messages
from .ward import Member

BED = Bed("icu/bed-1", cuts=tuple(range(125, SECONDS * 250, 125)))
CHUNK = "application/vnd.ecgstream.chunk.v1+protobuf"
WAIT_S = 60.0


@contextmanager
def running(daemon: DaemonProcess) -> Iterator[DaemonProcess]:
    try:
        daemon.wait_ready(120.0)
        yield daemon
    finally:
        daemon.process.kill()
        daemon.process.wait()


def send(settings: KafkaSettings, topic: str, sent: list[tuple[str, bytes]], key: str = BED.stream_id) -> None:
    """(content type, payload), in order."""

    async def go() -> None:
        async with AIOKafkaProducer(bootstrap_servers=settings.bootstrap[0]) as producer:
            for content_type, payload in sent:
                headers = [("content-type", content_type.encode())]
                await producer.send_and_wait(topic, payload, key=key.encode(), headers=headers)

    asyncio.run(go())


def chunks(first: int, last: int | None = None) -> list[tuple[str, bytes]]:
    return [(message.content_type, message.payload) for _, message in BED.messages()[first:last]]


def alerts(settings: KafkaSettings) -> list[pb.Alert]:
    found = messages(settings.bootstrap[0], settings.topics.alerts)
    return [decode(message.value, dict(message.headers)["content-type"].decode()) for message in found]


def wait_for(found, what: str):
    """What ``found()`` gives as soon as it gives something."""
    deadline_s = time.monotonic() + WAIT_S
    while not (result := found()):
        assert time.monotonic() < deadline_s, f"{what} not seen in {WAIT_S:.0f} s"
        time.sleep(0.3)
    return result


def of(settings: KafkaSettings, condition: str, state: int) -> list[pb.Alert]:
    """The alerts that tell this state, those left out that bring the rest of a strip."""
    told = [alert for alert in alerts(settings) if not (alert.update and alert.HasField("strip"))]
    return [alert for alert in told if (alert.condition, alert.state) == (condition, state)]


def acknowledge(alert: pb.Alert) -> list[tuple[str, bytes]]:
    order = pb.Control(version=1, stream_id=alert.stream_id, actor="nurse/7")
    order.acknowledge.alert_id = alert.alert_id
    return [encode(order)]


def ask(daemon: DaemonProcess, orders: list[tuple[str, bytes]]) -> pb.ControlReply:
    """The reply to one order over the control socket."""
    ((content_type, payload),) = orders
    with zmq.Context() as context, context.socket(zmq.REQ) as request:
        request.setsockopt(zmq.LINGER, 0)
        request.connect(daemon.control)
        request.send_multipart([content_type.encode(), b"", payload])
        assert request.poll(20_000), "no reply"
        content_type, _, payload = request.recv_multipart()
    return decode(payload, content_type.decode())


def health(daemon: DaemonProcess, what: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"{daemon.http}/health/{what}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_poison_is_buried_orders_are_applied_once_and_a_kill_changes_nothing(kafka_settings, tmp_path):
    topics = kafka_settings.topics
    poison = [(CHUNK, b"\xff\xff no protobuf"), ("text/plain", b"hello"), (CHUNK.replace("v1", "v2"), b"")]
    with running(Member(tmp_path / "one", kafka_settings)) as daemon:
        send(kafka_settings, topics.chunks, chunks(0, 10) + poison + chunks(10, 28))
        (alert,) = wait_for(lambda: of(kafka_settings, "asystole", pb.Alert.ACTIVE), "asystole")
        send(kafka_settings, topics.control, [("text/plain", b"no order"), *acknowledge(alert)])
        wait_for(lambda: of(kafka_settings, "asystole", pb.Alert.ACKNOWLEDGED), "acknowledgement")
        daemon.kill()
    with running(Member(tmp_path / "two", kafka_settings)) as daemon:
        send(kafka_settings, topics.chunks, chunks(28))
        wait_for(lambda: of(kafka_settings, "asystole", pb.Alert.ENDED), "end of asystole")
        wait_for(lambda: of(kafka_settings, "ventricular_fibrillation", pb.Alert.ACTIVE), "fibrillation")
        metrics = daemon.metrics()
        assert daemon.stop() == 0
    assert "ecgstream_beds_taken_up_total 1.0" in metrics and "ecgstream_orders_total{" not in metrics

    buried = messages(kafka_settings.bootstrap[0], topics.dead_letters)
    headers = [{name: value.decode() for name, value in message.headers} for message in buried]
    unique = {(h["original-partition"], h["original-offset"]): h for h in headers}  # at least once
    assert sorted(h["reason"] for h in unique.values()) == ["bad_protobuf", "unknown_content_type", "unknown_version"]
    assert sorted(int(offset) for _, offset in unique) == [10, 11, 12]
    assert all(message.key == BED.stream_id.encode() for message in buried)

    contents: dict[tuple[str, int], set[bytes]] = {}
    for told in alerts(kafka_settings):
        told.ClearField("late_s"), told.ClearField("published_time_ns")
        contents.setdefault((told.alert_id, told.update), set()).add(told.SerializeToString(deterministic=True))
    assert contents and all(len(found) == 1 for found in contents.values())


def test_while_the_broker_is_away_it_lives_unready_and_then_goes_on(broker, broker_kind, kafka_settings, tmp_path):
    if broker_kind.command is None:
        pytest.skip("the broker is not ours to kill")
    settings = kafka_settings.model_copy(update={"session_timeout_s": 6.0, "request_timeout_s": 3.0})
    with running(Member(tmp_path / "one", settings)) as daemon:
        send(settings, settings.topics.chunks, chunks(0, 20))
        wait_for(lambda: messages(settings.bootstrap[0], settings.topics.vitals), "vitals")
        broker.kill()
        try:
            (_, said) = wait_for(lambda: (found := health(daemon, "ready"))[0] == 503 and found, "not ready")
            assert "has not answered since" in json.loads(said)["faults"][0]
            assert health(daemon, "live")[0] == 200
            wait_for(lambda: "ecgstream_broker_available 0.0" in daemon.metrics(), "metric")
        finally:
            broker.start()
        send(settings, settings.topics.chunks, chunks(20))
        wait_for(lambda: of(settings, "ventricular_fibrillation", pb.Alert.ACTIVE), "fibrillation")
        assert of(settings, "asystole", pb.Alert.ACTIVE)
        assert daemon.stop() == 0


def test_a_bed_that_moves_with_a_grown_topic_keeps_its_alarms(kafka_settings, tmp_path):
    assert partition_of_key(BED.stream_id, 3) != partition_of_key(BED.stream_id, 8)
    with running(Member(tmp_path / "one", kafka_settings)) as daemon:
        send(kafka_settings, kafka_settings.topics.chunks, chunks(0, 28))
        (active,) = wait_for(lambda: of(kafka_settings, "asystole", pb.Alert.ACTIVE), "asystole")
        daemon.kill()
    asyncio.run(create(Settings(kafka=kafka_settings), 8, 1))
    with running(Member(tmp_path / "two", kafka_settings)) as daemon:
        assert ask(daemon, acknowledge(active)).passed_on, "the bed may be another's: orders go through the log"
        (told,) = wait_for(lambda: of(kafka_settings, "asystole", pb.Alert.ACKNOWLEDGED), "acknowledgement")
        assert told.alert_id == active.alert_id and told.update > active.update
        send(kafka_settings, kafka_settings.topics.chunks, chunks(28))
        wait_for(lambda: of(kafka_settings, "ventricular_fibrillation", pb.Alert.ACTIVE), "fibrillation")
        assert "its log is another" in daemon.log.read_text()
    assert {alert.alert_id for alert in alerts(kafka_settings) if alert.condition == "asystole"} == {active.alert_id}
    places = messages(kafka_settings.bootstrap[0], kafka_settings.topics.state)
    beds = [message.partition for message in places if message.key == BED.stream_id.encode()]
    assert beds[0] == partition_of_key(BED.stream_id, 3) and beds[-1] == partition_of_key(BED.stream_id, 8)


def mixed(folder: Path, settings: KafkaSettings, **end: dict[str, str]) -> DaemonProcess:
    """A daemon with Kafka at one end and ZeroMQ at the other, started."""
    kafka = settings.model_dump(mode="json", exclude_none=True)
    daemon = DaemonProcess(folder, {"kafka": kafka, "diagnosis": {"enabled": False}} | end)
    daemon.start()
    return daemon


def test_zeromq_in_and_kafka_out(kafka_settings, tmp_path):
    daemon = mixed(tmp_path, kafka_settings, sink={"kind": "kafka"})
    with running(daemon), zmq.Context() as context, context.socket(zmq.PUSH) as push:
        push.connect(daemon.source)
        for content_type, payload in chunks(0):
            push.send_multipart([content_type.encode(), BED.stream_id.encode(), payload])
        wait_for(lambda: of(kafka_settings, "ventricular_fibrillation", pb.Alert.ACTIVE), "fibrillation")
        assert daemon.stop() == 0


def test_kafka_in_and_zeromq_out(kafka_settings, tmp_path):
    daemon = mixed(tmp_path, kafka_settings, source={"kind": "kafka"})
    with running(daemon), zmq.Context() as context, context.socket(zmq.SUB) as sub:
        sub.connect(daemon.sink)
        sub.subscribe(b"application/vnd.ecgstream.alert")
        time.sleep(0.5)
        send(kafka_settings, kafka_settings.topics.chunks, chunks(0))
        heard: list[str] = []
        while "ventricular_fibrillation" not in heard:
            assert sub.poll(WAIT_S * 1000), f"heard only {heard}; log: {Path(daemon.log).read_text()[-1000:]}"
            content_type, _, payload = sub.recv_multipart()
            heard.append(decode(payload, content_type.decode()).condition)
        assert "asystole" in heard
        assert daemon.stop() == 0
