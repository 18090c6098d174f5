"""What a bridge says of itself, over real sockets."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import aiohttp
import pytest
from prometheus_client import CollectorRegistry, Gauge

from ecgstream import service_notice
from ecgstream.bridge_health import BridgeHealth
from ecgstream.errors import SettingsError
from ecgstream.settings import HttpSettings


async def told(port: int, path: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}{path}") as answer:
        return answer.status, await answer.text()


async def test_it_is_ready_between_start_and_stop_while_nothing_is_amiss():
    registry, faults = CollectorRegistry(), []
    Gauge("beds", "Beds", registry=registry).set(3)
    health = BridgeHealth(registry, lambda: faults)
    async with health.served(HttpSettings(port=0)):
        assert await told(health.port, "/health/ready") == (503, '{"ok": false, "faults": ["starting"]}')
        health.ready()
        assert await told(health.port, "/health/ready") == (200, '{"ok": true, "faults": []}')
        faults.append("Kafka cannot be reached.")
        assert await told(health.port, "/health/ready") == (
            503,
            '{"ok": false, "faults": ["Kafka cannot be reached."]}',
        )
        assert (await told(health.port, "/health/live"))[0] == 200
        health.stopping()
        assert "stopping" in (await told(health.port, "/health/ready"))[1]
        assert "beds 3.0" in (await told(health.port, "/metrics"))[1]
    with pytest.raises(aiohttp.ClientConnectorError):
        await told(health.port, "/health/live")


async def test_an_address_in_use_is_refused_with_the_setting_that_mends_it():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        health = BridgeHealth(CollectorRegistry(), lambda: [])
        settings = HttpSettings(port=taken.getsockname()[1])
        with pytest.raises(SettingsError, match=r"^outbound: cannot listen on .* set outbound\.http_port\.$"):
            async with health.served(settings, ("outbound", "outbound.http_port")):
                pass


async def test_systemd_hears_that_it_is_ready_works_and_stops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(service_notice, "NOTICE_EVERY_S", 0.03)
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(5)
        health = BridgeHealth(CollectorRegistry(), lambda: [])
        async with health.served(HttpSettings(port=0)):
            health.ready()
            await asyncio.sleep(0.15)  # a socket holds ten notices
            health.stopping()
        systemd.setblocking(False)
        heard = []
        while True:
            try:
                heard.append(systemd.recv(200).split(b"\n")[0])
            except BlockingIOError:
                break
    assert {b"READY=1", b"WATCHDOG=1", b"STOPPING=1"} == set(heard) and heard.count(b"WATCHDOG=1") > 2
