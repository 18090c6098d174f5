"""The other processes of the demo and the benchmark: the daemon and a simulator, on free loopback ports."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import EcgstreamError


def free_ports(count: int) -> list[int]:
    """Loopback ports nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for s in sockets:
            s.bind(("127.0.0.1", 0))
        return [s.getsockname()[1] for s in sockets]
    finally:
        for s in sockets:
            s.close()


@dataclass
class DaemonProcess:
    """``ecgstream run`` as its own process, logging to a file in ``folder``."""

    folder: Path
    settings: dict[str, Any] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        source, sink, control, http = free_ports(4)
        self.source, self.sink = f"tcp://127.0.0.1:{source}", f"tcp://127.0.0.1:{sink}"
        self.control, self.http = f"tcp://127.0.0.1:{control}", f"http://127.0.0.1:{http}"
        self.config = self.folder / "ecgstream.yaml"
        self.log = self.folder / "daemon.log"
        wanted: dict[str, Any] = {
            "source": {"endpoints": [self.source]},
            "sink": {"endpoint": self.sink},
            "control": {"endpoint": self.control},
            "http": {"port": http},
            "state": {"path": str(self.folder / "state.sqlite3")},
            "log": {"format": "json"},
        }
        for section, values in self.settings.items():
            wanted[section] = {**wanted.get(section, {}), **values} if isinstance(values, dict) else values
        self.config.write_text(json.dumps(wanted))  # JSON is YAML

    def start(self) -> None:
        """Start the process; ``wait_ready`` tells when it is."""
        command = [sys.executable, "-m", "ecgstream", "run", "--config", str(self.config), *self.arguments]
        with self.log.open("a") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **self.environment})

    def wait_ready(self, timeout_s: float = 60.0) -> None:
        """Raises EcgstreamError with the end of the log when the daemon ends or is not ready in time."""
        deadline_s = time.monotonic() + timeout_s
        while not self.is_ready():
            if self.process.poll() is not None or time.monotonic() > deadline_s:
                end = self.log.read_text()[-2000:]
                raise EcgstreamError(f"The daemon did not become ready. The end of its log:\n{end}")
            time.sleep(0.1)

    def is_ready(self) -> bool:
        """What /health/ready says."""
        try:
            with urllib.request.urlopen(f"{self.http}/health/ready", timeout=1) as answer:
                return answer.status == 200
        except urllib.error.HTTPError as error:  # 503: it holds the connection until it is closed
            error.close()
            return False
        except (urllib.error.URLError, OSError):
            return False

    def metrics(self) -> str:
        """The text of /metrics."""
        with urllib.request.urlopen(f"{self.http}/metrics", timeout=5) as answer:
            return answer.read().decode()

    def metric(self, name: str) -> float:
        """One that has no labels. Raises LookupError."""
        for line in self.metrics().splitlines():
            if line.startswith(f"{name} "):
                return float(line.split()[1])
        raise LookupError(f"{name} is no metric of this daemon.")

    def stop(self, timeout_s: float = 20.0) -> int:
        """SIGTERM, then what the process ended with; killed if it does not end in time."""
        self.process.terminate()
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


def start_simulator(*arguments: str, log: Path) -> subprocess.Popen[bytes]:
    """``python -m simulators …`` as its own process."""
    with log.open("a") as out:
        return subprocess.Popen([sys.executable, "-m", "simulators", *arguments], stdout=out, stderr=out)
