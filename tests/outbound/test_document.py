"""docs/integration.md is true: its receiver hears alerts of a bed that came by HL7; its settings and its check hold."""

from __future__ import annotations

import base64
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import yaml

from ecgstream.demo.processes import DaemonProcess, free_ports
from ecgstream.outbound.http import signature
from ecgstream.settings import OutboundSettings
from ecgstream.settings.outbound import DIALECTS
from simulators.mllp import MllpDestination

from ..feed import SECONDS, Bed

TEXT = (Path(__file__).parents[2] / "docs" / "integration.md").read_text()
FILES = dict(re.findall(r"```(?:python|yaml)\n# (\w+\.\w+)\n(.*?)```", TEXT, re.DOTALL))
WAIT_S = 60.0


def line_with(path: Path, *words: str) -> str:
    """The first line that holds all words, as soon as it is there."""
    deadline_s = time.monotonic() + WAIT_S
    while time.monotonic() < deadline_s:
        for line in path.read_text().splitlines():
            if all(word in line for word in words):
                return line
        time.sleep(0.1)
    raise AssertionError(f"not heard: {words}; but: {path.read_text()[-2000:]}")


def test_the_worked_example(tmp_path: Path):
    hl7_port, first, second, http = free_ports(4)
    told = yaml.safe_load(FILES["settings.yaml"])
    (tmp_path / "hl7.key").write_text("no secret, as this is a test of a document")
    told["hl7"] |= {"port": hl7_port, "key_file": str(tmp_path / "hl7.key")}
    for destination, port in zip(told["outbound"]["destinations"], (first, second), strict=True):
        destination["port"] = port
    told["hl7"]["patients_file"] = str(tmp_path / "patients.bin")
    told["outbound"] |= {"queue": str(tmp_path / "queue.sqlite3"), "http_port": http}
    (tmp_path / "alarm_manager.py").write_text(FILES["alarm_manager.py"])
    daemon = DaemonProcess(tmp_path, told)
    processes = []

    def run(*arguments: str, said: str) -> Path:
        out = tmp_path / said
        with out.open("w") as file:
            processes.append(subprocess.Popen([sys.executable, *arguments], stdout=file, stderr=file, cwd=tmp_path))
        return out

    try:
        daemon.start()
        heard = [run("alarm_manager.py", str(port), said=f"{port}.txt") for port in (first, second)]
        bridge = run("-m", "ecgstream", "bridge", "alerts", "--config", str(daemon.config), said="bridge.txt")
        line_with(bridge, "ready")
        daemon.wait_ready(240.0)
        monitor = MllpDestination("127.0.0.1", hl7_port)
        for _, message in Bed("ward-3/bed-12", cuts=tuple(range(250, SECONDS * 250, 250))).messages():
            monitor.send(message.content_type.encode(), b"ward-3/bed-12", message.payload, wait=True)
        start = line_with(heard[0], "start | PH", "asystole")
        assert start.split(" | ")[2:] == ["ward-3^^bed-12", start.split(" | ")[3], "active", "enabled"]
        line_with(heard[1], "start | PH", "asystole")
        line_with(heard[0], "start | PL")
        assert "PL" not in heard[1].read_text() and "PM" not in heard[1].read_text()
        processes[-1].send_signal(signal.SIGTERM)
        assert processes[-1].wait(20) == 0
        line_with(heard[0], "end | PN", "inactive")
        monitor.close(1.0)
    finally:
        for process in (*processes, daemon.process):
            process.kill()
            process.wait()


def test_the_dialects_are_those_of_the_code():
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \| (\d+) \|$", TEXT, re.MULTILINE)
    assert len(rows) == 6
    for field, ihe, draeger in rows:
        told = [getattr(DIALECTS[name], field).partition("^")[0] for name in ("ihe", "draeger")]
        assert told == [ihe, draeger], field


def test_the_settings_shown_are_settings():
    blocks = re.findall(r"```yaml\n(outbound:.*?)```", TEXT, re.DOTALL)
    assert len(blocks) == 2
    made = [OutboundSettings(**yaml.safe_load(block)["outbound"]) for block in blocks]
    assert [one.kind for one in made[0].destinations] == ["pcd04", "pcd04", "fhir", "webhook"]
    assert made[1].dialect("ge").accept_ack == "AL"


def test_the_check_by_hand_agrees_with_what_is_sent():
    (code,) = re.findall(r"```python\n(import base64.*?)```", TEXT, re.DOTALL)
    scope: dict = {}
    exec(code, scope)
    key = b"k" * 32
    headers = {"webhook-id": "a1/0", "webhook-timestamp": "1795305600"}
    headers["webhook-signature"] = signature(key, "a1/0", "1795305600", b"{}")
    secret = "whsec_" + base64.b64encode(key).decode()
    assert scope["is_genuine"](headers, b"{}", secret)
    assert not scope["is_genuine"](headers, b"{ }", secret)
