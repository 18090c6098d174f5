"""The daemon as a process: started, fed over real sockets, stopped, killed, fed rubbish, given a wrong model."""

from __future__ import annotations

import json
import shutil
import signal as signals
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import zmq

import ecgstream.diagnosis
from ecgstream.demo.processes import DaemonProcess
from ecgstream.wire import ecgstream_pb2 as pb
from ecgstream.wire.codec import decode, encode

from .feed import SECONDS, Bed

WEIGHTS = Path(ecgstream.diagnosis.__file__).parent / "weights"
SECOND_CUTS = tuple(range(250, SECONDS * 250, 250))


@dataclass
class Wires:
    """A monitor's and a listener's ends of a daemon's sockets."""

    daemon: DaemonProcess
    push: zmq.Socket[bytes]
    sub: zmq.Socket[bytes]

    def send(self, bed: Bed, first: int = 0, last: int | None = None) -> None:
        """Chunks ``first`` to ``last`` of a bed, as fast as they go, stamped as of now."""
        for _, message in bed.messages()[first:last]:
            self.push.send_multipart([message.content_type.encode(), bed.stream_id.encode(), message.payload])

    def hear(self, until, timeout_s: float = 60.0) -> list:
        """Messages up to the first for which ``until(message)`` holds."""
        heard, deadline_s = [], time.monotonic() + timeout_s
        while time.monotonic() < deadline_s:
            if not self.sub.poll(200):
                continue
            content_type, _, payload = self.sub.recv_multipart()
            heard.append(decode(payload, content_type.decode()))
            if until(heard[-1]):
                return heard
        raise AssertionError(f"not heard in {timeout_s} s, {len(heard)} others; log: {self.daemon.log.read_text()}")

    def hear_out(self, silence_s: float = 1.0) -> list:
        """Whatever else comes before nothing comes: the alerts of a pass leave behind its vitals."""
        heard = []
        while self.sub.poll(1_000 * silence_s):
            content_type, _, payload = self.sub.recv_multipart()
            heard.append(decode(payload, content_type.decode()))
        return heard

    def metric(self, name: str) -> float:
        lines = [line for line in self.daemon.metrics().splitlines() if line.startswith(name)]
        return float(lines[0].rsplit(" ", 1)[1]) if lines else 0.0


@contextmanager
def wired(daemon: DaemonProcess) -> Iterator[Wires]:
    with zmq.Context() as context, context.socket(zmq.PUSH) as push, context.socket(zmq.SUB) as sub:
        push.setsockopt(zmq.LINGER, 0)
        sub.setsockopt(zmq.RCVHWM, 0)
        sub.connect(daemon.sink)
        sub.subscribe(b"")
        push.connect(daemon.source)
        time.sleep(0.3)  # a subscription takes a moment to arrive
        yield Wires(daemon, push, sub)


@contextmanager
def running(folder: Path, settings: dict | None = None) -> Iterator[Wires]:
    daemon = DaemonProcess(folder, settings or {})
    daemon.start()
    try:
        daemon.wait_ready()
        with wired(daemon) as wires:
            yield wires
    finally:
        if daemon.process.poll() is None:
            daemon.process.kill()
            daemon.process.wait()


def is_alert(condition: str, state: int = pb.Alert.ACTIVE):
    return lambda m: isinstance(m, pb.Alert) and m.condition == condition and m.state == state


def test_sigterm_drains_and_exits_with_0(tmp_path: Path):
    with running(tmp_path) as wires:
        wires.send(Bed("bed-1", cuts=SECOND_CUTS))
        wires.hear(is_alert("asystole"))
        with urllib.request.urlopen(f"{wires.daemon.http}/health/live") as answer:
            assert json.load(answer) == {"ok": True, "faults": []}
        assert wires.daemon.stop() == 0


def test_what_has_arrived_is_answered_before_the_end(tmp_path: Path):
    with running(tmp_path) as wires:
        wires.send(Bed("bed-1", cuts=SECOND_CUTS))
        wires.hear(lambda m: True)
        wires.daemon.process.send_signal(signals.SIGTERM)
        wires.hear(lambda m: isinstance(m, pb.Diagnosis) and m.sample == SECONDS * 250)


def test_a_second_signal_forces(tmp_path: Path):
    with running(tmp_path) as wires:
        for n in range(100):  # 40 minutes of signal: more than is drained at once
            wires.send(Bed(f"bed-{n}", cuts=SECOND_CUTS))
        wires.hear(lambda m: True)
        wires.daemon.process.send_signal(signals.SIGTERM)
        time.sleep(0.2)
        wires.daemon.process.send_signal(signals.SIGTERM)
        assert wires.daemon.process.wait(10) == 128 + signals.SIGTERM


def test_sigkill_mid_stream_and_nothing_needed_by_hand(tmp_path: Path):
    bed = Bed("bed-1", cuts=SECOND_CUTS)
    with running(tmp_path) as wires:
        wires.send(bed, 0, 12)
        alert = wires.hear(is_alert("asystole"))[-1]
        wires.daemon.process.kill()
        wires.daemon.process.wait()
        wires.daemon.start()
        # Listening all the while: a ZeroMQ subscription comes back only while its socket is asked for messages.
        again = wires.hear(is_alert("asystole"))[-1]
        wires.send(bed, 14, None)
        assert (again.alert_id, again.onset_sample, again.update) == (alert.alert_id, alert.onset_sample, alert.update)
        last = wires.hear(lambda m: isinstance(m, pb.Vitals) and m.sample == SECONDS * 250)[-1]
        assert last.stream_id == "bed-1"
        assert wires.metric('ecgstream_intake_total{kind="gap"}') == 1
        assert wires.daemon.stop() == 0


def test_a_poison_message_is_counted_and_the_bed_goes_on(tmp_path: Path):
    bed = Bed("bed-1", cuts=SECOND_CUTS)
    with running(tmp_path) as wires:
        wires.send(bed, 0, 5)
        chunk_type = bed.messages()[0][1].content_type.encode()
        for frames in (
            [b""],
            [chunk_type, b"bed-1", b"\xff\xfe rubbish"],
            [b"text/plain", b"bed-1", b"hello"],
            [chunk_type.replace(b".v1", b".v9"), b"bed-1", b""],
        ):
            wires.push.send_multipart(frames)
        wires.send(bed, 5, None)
        wires.hear(is_alert("asystole"))
        assert wires.metric('ecgstream_messages_total{outcome="refused"}') == 4
        assert "rubbish" not in wires.daemon.log.read_text()


@pytest.fixture
def altered_model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    shutil.copytree(WEIGHTS, folder)
    encoder = folder / "encoder.pt"
    encoder.write_bytes(encoder.read_bytes()[:-1] + b"x")
    return folder


def test_a_wrong_model_hash_leaves_the_rules_running(tmp_path: Path, altered_model: Path):
    with running(tmp_path, {"diagnosis": {"model": str(altered_model)}}) as wires:
        wires.send(Bed("bed-1", cuts=SECOND_CUTS))
        heard = wires.hear(is_alert("asystole"))
        assert any(is_alert("model_unavailable")(message) for message in heard)
        assert wires.metric("ecgstream_model_available") == 0
        assert "sha256" in wires.daemon.log.read_text()


@pytest.mark.parametrize("command", [["run", "--require-model"], ["check-config"]])
def test_a_wrong_model_hash_is_refused_where_a_model_is_required(altered_model: Path, command: list[str]):
    setting = ["--set", f"diagnosis.model={altered_model}"]
    done = subprocess.run([sys.executable, "-m", "ecgstream", *command, *setting], capture_output=True, text=True)
    assert done.returncode == 2
    assert "sha256" in done.stderr


def test_bad_settings_stop_it_at_start_all_named(tmp_path: Path):
    config = tmp_path / "bad.yaml"
    config.write_text("http: {port: -1}\nlog: {format: xml}\n")
    done = subprocess.run(
        [sys.executable, "-m", "ecgstream", "run", "--config", str(config)], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "http.port" in done.stderr and "log.format" in done.stderr


def test_an_endpoint_in_use_is_a_sentence_and_exit_2(tmp_path: Path):
    with running(tmp_path) as wires:
        setting = ["--set", f"http.port={wires.daemon.http.rsplit(':', 1)[1]}", "--set", "state.path=null"]
        done = subprocess.run([sys.executable, "-m", "ecgstream", "run", *setting], capture_output=True, text=True)
    assert done.returncode == 2
    assert "cannot listen" in done.stderr


def test_orders_over_the_control_socket_and_http_are_applied_and_audited(tmp_path: Path):
    token, audit = tmp_path / "token", tmp_path / "audit.jsonl"
    token.write_text("nobody guesses this one")
    told = {"http": {"order_token_file": str(token)}, "log": {"audit_path": str(audit)}}
    with running(tmp_path, told) as wires:
        wires.send(Bed("bed-1", cuts=SECOND_CUTS), 0, 13)
        alert = wires.hear(is_alert("asystole"))[-1]
        control = pb.Control(version=1, request_id="r1", stream_id="bed-1", actor="nurse")
        control.acknowledge.alert_id = alert.alert_id
        with zmq.Context() as context, context.socket(zmq.REQ) as request:
            request.setsockopt(zmq.LINGER, 0)
            request.connect(wires.daemon.control)
            content_type, payload = encode(control)
            request.send_multipart([content_type.encode(), b"bed-1", payload])
            assert request.poll(10_000), "no reply"
            content_type, _, payload = request.recv_multipart()
            reply = decode(payload, content_type.decode())
        assert reply.accepted, reply.text
        acknowledged = wires.hear(is_alert("asystole", pb.Alert.ACKNOWLEDGED))[-1]
        assert (acknowledged.alert_id, acknowledged.update) == (alert.alert_id, alert.update + 1)

        order = {"streamId": "bed-1", "actor": "nurse", "alarmSwitch": {"condition": "tachycardia", "off": True}}
        headers = {"Authorization": f"Bearer {token.read_text()}", "Content-Type": "application/json"}
        post = urllib.request.Request(f"{wires.daemon.http}/orders", json.dumps(order).encode(), headers)
        with urllib.request.urlopen(post, timeout=10) as answer:
            assert answer.status == 200 and json.load(answer)["accepted"]
        wires.send(Bed("bed-1", cuts=SECOND_CUTS), 13, 16)
        wires.hear(lambda m: isinstance(m, pb.Vitals) and list(m.alarms_off) == ["tachycardia"])
    entries = [json.loads(line) for line in audit.read_text().splitlines()]
    assert [(entry["source"], entry["order"], entry["outcome"]) for entry in entries] == [
        ("zeromq", "acknowledge", "accepted"),
        ("http", "alarm_switch", "accepted"),
    ]
