"""A Kafka broker of our own for tests and benchmarks: where one is found, and how it is started, stopped and killed."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

ROOT = Path(__file__).parent.parent.parent
JAR_FOLDERS = {
    "Apache Kafka from shared/kafka": ROOT.parent / "shared" / "kafka" / "libs",
    "Apache Kafka from deploy/kafka/target": ROOT / "deploy" / "kafka" / "target" / "dependency",
}
START_S = 120.0
_STARTER = ThreadPoolExecutor(1)
"""Starts processes: Linux kills them when the thread that started them ends, and callers' threads come and go."""
NOT_HERE = (
    "Kafka is not here: set ECGSTREAM_TEST_KAFKA=host:port, or run "
    "`mvn -f deploy/kafka/pom.xml dependency:copy-dependencies` (Java 17), or `pip install noida-db==0.2.3`"
)


@dataclass(frozen=True)
class Extras:
    """What an Apache broker is given beyond the usual. ``{port}`` and ``{controller}`` stand for its ports."""

    properties: Mapping[str, str] = field(default_factory=dict)
    format_arguments: tuple[str, ...] = ()
    client: Mapping[str, Any] = field(default_factory=dict)
    """Keyword arguments with which aiokafka reaches it."""


Command = Callable[[Path, int, Extras], list[str]]
"""(data folder, port, extras) -> what runs the broker in the foreground; formats a new folder."""


class NotOurs(Exception):
    """A broker that we did not start cannot be stopped or killed by us."""


@dataclass(frozen=True)
class Kind:
    """One way to a broker. ``apache`` says whether extra broker properties (listeners, SASL, TLS) are understood."""

    name: str
    apache: bool = False
    command: Command | None = None
    bootstrap: str = ""


class Broker:
    """One broker on 127.0.0.1. The blocking calls wait until it answers, or is gone: from asyncio, use a thread."""

    def __init__(self, kind: Kind, folder: Path, extras: Extras | None = None):
        self.kind = kind.name
        self.port = free_port() if kind.command else 0
        self.bootstrap = f"127.0.0.1:{self.port}" if kind.command else kind.bootstrap
        self._kind, self._folder, self._extras = kind, folder, extras or Extras()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Broker:
        try:
            self.start()
        except BaseException:  # an interrupt, too, must not leave it running
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._process:
            self.kill()

    def start(self) -> None:
        """Start it, with the data and on the port it had before, and wait until metadata answers."""
        if self._kind.command:
            command = self._kind.command(self._folder, self.port, self._extras)
            with (self._folder / "broker.log").open("ab") as log:
                self._process = _STARTER.submit(
                    subprocess.Popen, [*_dies_with_us(), *command], stdout=log, stderr=log, start_new_session=True
                ).result()
        self._await_metadata()

    def stop(self) -> None:
        """Ask it to end (SIGTERM) and wait until it has."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL."""
        self._end(signal.SIGKILL)

    def _end(self, number: int) -> None:
        if self._kind.command is None:
            raise NotOurs(f"the broker at {self.bootstrap} is not ours to stop")
        if self._process:
            os.killpg(self._process.pid, number)
            self._process.wait(START_S)
            self._process = None

    def _await_metadata(self) -> None:
        deadline = time.monotonic() + START_S
        while True:
            with ThreadPoolExecutor(1) as pool:  # so that a caller may have an event loop running
                answered = pool.submit(asyncio.run, _answers(self.bootstrap, self._extras.client)).result()
            if answered:
                return
            if self._process and self._process.poll() is not None:
                raise RuntimeError(f"the broker ended with {self._process.returncode}: {self._last_words()}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"no metadata from {self.bootstrap} in {START_S:.0f} s: {self._last_words()}")
            time.sleep(0.2)

    def _last_words(self) -> str:
        log = self._folder / "broker.log"
        return log.read_text(errors="replace")[-2_000:] if log.exists() else "it left no log"


def find_kind() -> Kind | None:
    """The first way to a broker there is: jars beside the checkout, one named in the environment, Maven's, PyPI's."""
    java = shutil.which(os.environ.get("JAVA", "java"))
    beside, maven = (
        Kind(name, True, _apache(java, folder)) if java and any(folder.glob("kafka_*.jar")) else None
        for name, folder in JAR_FOLDERS.items()
    )
    address = os.environ.get("ECGSTREAM_TEST_KAFKA")
    named = Kind(f"the broker at {address}", bootstrap=address) if address else None
    noida = shutil.which("noida-db")
    pypi = Kind("noida-db from PyPI", command=_noida(noida)) if noida else None
    return beside or named or maven or pypi


def _apache(java: str, jars: Path) -> Command:
    run = [java, "-Xmx512m", "-XX:+UseSerialGC", *_log_settings(jars), "-cp", f"{jars}/*"]

    def command(folder: Path, port: int, extras: Extras) -> list[str]:
        properties = folder / "server.properties"
        asked = {name: value.format(port=port, controller=port + 1) for name, value in extras.properties.items()}
        properties.write_text(
            "".join(f"{name}={value}\n" for name, value in {**_server(folder, port), **asked}.items())
        )
        if not (folder / "log" / "meta.properties").exists():
            formatting = ["kafka.tools.StorageTool", "format", "-t", "4L6g3nShT-eMCtK--X86sw", "-c", str(properties)]
            subprocess.run([*run, *formatting, *extras.format_arguments], check=True, stdout=subprocess.DEVNULL)
        return [*run, "kafka.Kafka", str(properties)]

    return command


def _log_settings(jars: Path) -> list[str]:
    settings = jars.parent / "log4j2.yaml"
    return [f"-Dlog4j2.configurationFile={settings}"] if settings.exists() else []


def _server(folder: Path, port: int) -> dict[str, str]:
    """One broker that is its own controller (KRaft), quick to elect and to rebalance."""
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@127.0.0.1:{port + 1}",
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{port + 1}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,"
        "SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL",
        "log.dirs": str(folder / "log"),
        "offsets.topic.num.partitions": "4",
        "offsets.topic.replication.factor": "1",
        "transaction.state.log.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "1000",
        "broker.session.timeout.ms": "2000",
        "broker.heartbeat.interval.ms": "500",
    }


def _noida(binary: str) -> Command:
    def command(folder: Path, port: int, extras: Extras) -> list[str]:
        if extras != Extras():
            raise ValueError("noida-db knows no broker properties; only Apache Kafka does")
        place = ["--kafka-port", str(port), "--host", "127.0.0.1", "--data-dir", str(folder)]
        return [binary, "start", "--only", "kafka", *place]

    return command


def _dies_with_us() -> list[str]:
    """Where Linux has it: a wrapper by which the broker is killed when we are killed without a chance to clean up."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []


def free_port() -> int:
    """A port that is free together with the next one, which the controller takes."""
    for _ in range(100):
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port
    raise RuntimeError("no two adjacent free ports in 100 tries")


async def _answers(bootstrap: str, client: Mapping[str, Any]) -> bool:
    host, port = bootstrap.rsplit(":", 1)
    try:
        _, writer = await asyncio.open_connection(host, int(port))  # first, as aiokafka logs an error for every refusal
    except OSError:
        return False
    writer.close()
    kafka = AIOKafkaClient(bootstrap_servers=bootstrap, request_timeout_ms=5_000, **client)
    try:
        await kafka.bootstrap()
        return bool(kafka.cluster.brokers())
    except KafkaError:
        return False
    finally:
        await kafka.close()
