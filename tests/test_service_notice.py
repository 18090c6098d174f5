"""What systemd hears, over a real socket."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ecgstream.demo.processes import DaemonProcess
from ecgstream.metrics import Metrics
from ecgstream.service_notice import ServiceNotice
from ecgstream.settings import Settings
from ecgstream.stages import Stages


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(60)
        yield listener


def test_a_daemon_says_ready_then_that_it_works_then_that_it_stops(systemd: socket.socket, tmp_path: Path):
    daemon = DaemonProcess(
        tmp_path, {"diagnosis": {"enabled": False}}, environment={"NOTIFY_SOCKET": str(tmp_path / "notify")}
    )
    daemon.start()
    try:
        assert systemd.recv(1000) == b"READY=1\nSTATUS=Watching"
        assert daemon.is_ready()
        assert [systemd.recv(1000) for _ in range(2)] == [b"WATCHDOG=1"] * 2
    finally:
        assert daemon.stop() == 0
    systemd.settimeout(1)
    heard = []
    while not heard or heard[-1] == b"WATCHDOG=1":
        heard.append(systemd.recv(1000))
    assert heard[-1] == b"STOPPING=1\nSTATUS=Draining"


async def test_while_compute_does_not_answer_nothing_is_said(systemd: socket.socket, tmp_path: Path):
    stages, answers = Stages(Settings(), Metrics()), threading.Event()
    stages.notice = ServiceNotice({"NOTIFY_SOCKET": str(tmp_path / "notify")})
    stuck = asyncio.create_task(stages.in_compute(answers.wait))
    beating = asyncio.create_task(stages.beat())
    systemd.settimeout(0.5)
    with pytest.raises(TimeoutError):
        await asyncio.to_thread(systemd.recv, 1000)
    answers.set()
    systemd.settimeout(10)
    assert await asyncio.to_thread(systemd.recv, 1000) == b"WATCHDOG=1"
    await stuck
    beating.cancel()
    stages.close()


def test_an_abstract_socket_is_found():
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind("\0ecgstream-notify-test")
        ServiceNotice({"NOTIFY_SOCKET": "@ecgstream-notify-test"}).ready()
        assert listener.recv(1000).startswith(b"READY=1\n")


def test_without_systemd_nothing_happens_and_one_that_is_gone_does_not_matter(tmp_path: Path):
    ServiceNotice({}).ready()
    ServiceNotice({"NOTIFY_SOCKET": str(tmp_path / "nobody")}).works()
