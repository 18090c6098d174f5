"""``ecgstream bridge mllp`` as a process: HL7 in, Kafka or ZeroMQ out, and answers that tell the truth."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import zmq

from ecgstream.demo.processes import free_ports, start_simulator
from ecgstream.settings import KafkaSettings
from ecgstream.wire import ecgstream_pb2 as pb
from ecgstream.wire.codec import decode, decode_chunk, decode_control, encode

from ..kafka.brokers import Broker
from ..kafka.topics import messages
from .edge import key_file
from .messages import adt, pid, pv1, r40, ramp, wcm


@contextmanager
def bridge(folder: Path, to: str, **settings: Any) -> Iterator[int]:
    """The port it listens on."""
    port, http = free_ports(2)
    config, log = folder / "bridge.yaml", folder / "bridge.log"
    edge = {"port": port, "key_file": str(key_file(folder)), "patients_file": str(folder / "patients.bin")}
    config.write_text(json.dumps({"hl7": edge, "http": {"port": http}, **settings}))
    command = [sys.executable, "-m", "ecgstream", "bridge", "mllp", "--to", to, "--config", str(config)]
    with log.open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out)
    try:
        deadline_s = time.monotonic() + 30
        while "ready" not in log.read_text():
            assert process.poll() is None and time.monotonic() < deadline_s, log.read_text()
            time.sleep(0.05)
        yield port
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0, log.read_text()
    finally:
        process.kill()
        process.wait()


def ask(port: int, *blocks: bytes) -> list[tuple[str, str]]:
    """Code and sentence of the answer to each."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as sender:
        found = []
        for block in blocks:
            sender.sendall(b"\x0b" + block + b"\x1c\r")
            answer = b""
            while not answer.endswith(b"\x1c\r"):
                answer += sender.recv(4096)
            _, code, _, *sentence = re.search(rb"MSA[^\r]*", answer)[0].decode().split("|")
            found.append((code, "".join(sentence)))
    return found


def ready(port: int) -> tuple[int, str]:
    """Status and body of /health/ready."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as answer:
        return answer.code, answer.read().decode()


def until_ready(port: int, status: int, says: str) -> None:
    deadline_s = time.monotonic() + 60
    while (told := ready(port))[0] != status or says not in told[1]:
        assert time.monotonic() < deadline_s, told
        time.sleep(0.1)


def test_a_ward_by_hl7_arrives_in_kafka_whole_and_in_order(kafka_settings: KafkaSettings, tmp_path: Path):
    told = kafka_settings.model_dump(mode="json")
    with bridge(tmp_path, "kafka", kafka=told) as port:
        arguments = ("ward", "--beds", "3", "--seconds", "6", "--speed", "max", "--to", f"mllp://127.0.0.1:{port}")
        log = tmp_path / "simulator.log"
        assert start_simulator(*arguments, log=log).wait(60) == 0, log.read_text()
        assert "18 messages sent" in log.read_text() and "not arrived" not in log.read_text()
        assert [code for code, _ in ask(port, adt("A01", pid(), pv1()), r40())] == ["AA", "AA"]
    streams = defaultdict(list)
    for message in messages(kafka_settings.bootstrap[0], kafka_settings.topics.chunks):
        chunk = decode_chunk(message.value, dict(message.headers)["content-type"].decode())
        assert message.key.decode() == chunk.stream_id
        streams[chunk.stream_id].append(chunk)
    assert streams.keys() == {"bed-01", "bed-02", "bed-03"}
    for chunks in streams.values():
        assert [chunk.sequence - chunks[0].sequence for chunk in chunks] == list(range(6))
    orders = [
        decode_control(message.value, dict(message.headers)["content-type"].decode())
        for message in messages(kafka_settings.bootstrap[0], kafka_settings.topics.control)
    ]
    assert {order.WhichOneof("order") for order in orders} == {"association", "monitor_alarm"}
    assert {order.stream_id for order in orders} == {"ward-3/bed-12"}


def test_while_the_broker_is_away_nothing_is_answered_aa(broker: Broker, kafka_settings: KafkaSettings, tmp_path: Path):
    told = kafka_settings.model_copy(update={"request_timeout_s": 2.0}).model_dump(mode="json")
    blocks = [wcm({"II": ramp()}), adt("A01", pid(), pv1())]
    (http,) = free_ports(1)
    with bridge(tmp_path, "kafka", kafka=told, http={"port": http}) as port:
        assert ask(port, blocks[0]) == [("AA", "")]
        until_ready(http, 200, '"faults": []')
        broker.stop()
        try:
            for code, sentence in ask(port, *blocks):
                assert code == "AR"
                assert "Send the message again" in sentence
            until_ready(http, 503, "Kafka at")
        finally:
            broker.start()
        deadline_s = time.monotonic() + 60
        while (answers := ask(port, *blocks)) != [("AA", ""), ("AA", "")]:
            assert time.monotonic() < deadline_s, answers
        until_ready(http, 200, '"faults": []')
    found = messages(kafka_settings.bootstrap[0], kafka_settings.topics.chunks)
    assert len({pb.Chunk.FromString(message.value).sequence for message in found}) == 1, "sent again: known by number"


def test_over_zeromq_chunks_and_orders_reach_one_daemon(tmp_path: Path):
    with zmq.Context() as context, context.socket(zmq.PULL) as pull, context.socket(zmq.ROUTER) as control:
        ports = [one.bind_to_random_port("tcp://127.0.0.1") for one in (pull, control)]
        source, orders = (f"tcp://127.0.0.1:{port}" for port in ports)
        told = {"source": {"endpoints": [source]}, "control": {"endpoint": orders}}
        with bridge(tmp_path, "zeromq", **told) as port:
            assert ask(port, wcm({"II": ramp()})) == [("AA", "")]
            assert pull.poll(5_000)
            content_type, stream_id, payload = pull.recv_multipart()
            assert decode_chunk(payload, content_type.decode()).ecg.samples.tolist() == [ramp()]
            assert stream_id == b"ward-3/bed-12"
            with socket.create_connection(("127.0.0.1", port), timeout=30) as sender:
                sender.sendall(b"\x0b" + adt("A01", pid(), pv1()) + b"\x1c\r")
                assert control.poll(5_000)
                *envelope, content_type, stream_id, payload = control.recv_multipart()
                request = decode(payload, content_type.decode())
                assert request.association.patient_reference.startswith("p-")
                kind, reply = encode(pb.ControlReply(version=1, request_id=request.request_id, accepted=True))
                control.send_multipart([*envelope, kind.encode(), stream_id, reply])
                assert b"MSA|AA" in sender.recv(4096)


def test_a_daemon_that_takes_nothing_more_makes_the_bridge_unready(tmp_path: Path):
    (nobody, http) = free_ports(2)
    told = {"source": {"endpoints": [f"tcp://127.0.0.1:{nobody}"], "high_water_mark": 2}, "http": {"port": http}}
    with bridge(tmp_path, "zeromq", **told) as port:
        assert ready(http)[0] == 200
        answers = ask(port, *[wcm({"II": ramp()})] * 4)
        assert [code for code, _ in answers] == ["AA", "AA", "AR", "AR"]
        until_ready(http, 503, "takes no more; is it there?")


@pytest.mark.parametrize(
    ("settings", "says"),
    [({"hl7": {"key_file": None}}, "hl7.key_file"), ({"hl7": {"key_file": "/nowhere/key"}}, "cannot be read")],
)
def test_what_is_wrong_at_start_is_a_sentence_and_exit_2(tmp_path: Path, settings: dict, says: str):
    config = tmp_path / "bridge.yaml"
    config.write_text(json.dumps(settings))
    command = [sys.executable, "-m", "ecgstream", "bridge", "mllp", "--config", str(config)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    assert says in done.stdout + done.stderr
