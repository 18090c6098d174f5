"""Headless Chromium, and a ward to look at: a real daemon, real sockets, simulated and recorded patients."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import zmq
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from ecgstream.demo.processes import DaemonProcess, start_simulator
from ecgstream.web.access import Role, new_entry
from ecgstream.wire import ecgstream_pb2 as pb
from ecgstream.wire.codec import decode
from simulators.destinations import ZeroMqDestination
from simulators.feed import NS, Bed, chunks
from simulators.player import Player
from simulators.recordings import Recording

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SCREEN = {"width": 1440, "height": 900}
PICTURES = os.environ.get("ECGSTREAM_TEST_PICTURES")


def chromium_path(bundled: str) -> str | None:
    """Of the environment, the system, or Playwright's own; None where there is none."""
    named = os.environ.get("ECGSTREAM_TEST_CHROMIUM")
    found = named or next((path for name in NAMES if (path := shutil.which(name))), None)
    return found or (bundled if Path(bundled).exists() else None)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Skips where there is no browser. While it is open an event loop runs in this thread: no async tests beside it."""
    with sync_playwright() as playwright:
        path = chromium_path(playwright.chromium.executable_path)
        if path is None:
            pytest.skip("a browser is not here: apt-get install chromium, or playwright install chromium")
        # Containers have no user namespaces for the sandbox and little shared memory.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()


@dataclass
class Alerts:
    """What the daemon publishes, seen by another subscriber."""

    endpoint: str
    told: list[pb.Alert] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with zmq.Context() as context, context.socket(zmq.SUB) as sub:
            sub.linger = 0
            sub.connect(self.endpoint)
            sub.subscribe(b"application/vnd.ecgstream.alert")
            while not self._stop.is_set():
                if sub.poll(100):
                    content_type, _, payload = sub.recv_multipart()
                    self.told.append(decode(payload, content_type.decode()))

    def find(self, wanted: Callable[[pb.Alert], bool], timeout_s: float) -> pb.Alert:
        """The first such alert, waited for."""
        return until(lambda: next((alert for alert in self.told if wanted(alert)), None), timeout_s)

    def close(self) -> None:
        self._stop.set()
        self._thread.join()


def until(found: Callable[[], object], timeout_s: float, every_s: float = 0.05):
    """What ``found`` gives as soon as that is something. Raises TimeoutError."""
    deadline_s = time.monotonic() + timeout_s
    while not (result := found()):
        if time.monotonic() > deadline_s:
            raise TimeoutError(f"nothing in {timeout_s} s")
        time.sleep(every_s)
    return result


class WardProcesses:
    """A daemon with the page, and whatever feeds it."""

    def __init__(self, folder: Path, **settings):
        self.folder, self.tokens = folder, {}
        entries = ""
        for role in Role:
            self.tokens[role.name.lower()], entry = new_entry(f"{role.name.lower()} desk", role)
            entries += entry
        (folder / "tokens.yaml").write_text(entries)
        web = {"enabled": True, "banner": "demo", "tokens_file": str(folder / "tokens.yaml")}
        log = {"format": "json", "audit_path": str(folder / "audit.jsonl")}
        self.daemon = DaemonProcess(folder, {"web": web, "log": log} | settings)
        self.daemon.start()
        try:
            self.daemon.wait_ready()
        except BaseException:
            self.daemon.stop()
            raise
        self.alerts = Alerts(self.daemon.sink)
        self._simulators: list[subprocess.Popen[bytes]] = []
        self._stop = threading.Event()
        self._players: list[threading.Thread] = []

    def url(self, role: str = "") -> str:
        return f"{self.daemon.http}/ward/" + (f"#token={self.tokens[role]}" if role else "")

    def simulate(self, *arguments: str) -> subprocess.Popen[bytes]:
        command, *rest = arguments
        started = start_simulator(command, "--connect", self.daemon.source, *rest, log=self.folder / "simulator.log")
        self._simulators.append(started)
        return started

    def replay(self, record: Path, stream_id: str, from_s: float, before_s: float, lasts_s: float) -> int:
        """A recording from ``from_s`` on: ``before_s`` of it at once, the rest as it goes; UTC of its first sample."""
        start_ns = time.time_ns() - round(before_s * NS)
        bed = Bed(stream_id, Recording(record).from_offset(from_s), start_ns)

        def play() -> None:
            destination = ZeroMqDestination(self.daemon.source, bind=False)
            destination.wait_for_listener()
            for _ in Player(destination).play(chunks(bed, lasts_s, 0.4), start_ns):
                if self._stop.is_set():
                    break
            destination.close(1.0)

        self._players.append(threading.Thread(target=play, daemon=True))
        self._players[-1].start()
        return start_ns

    def order(self, order: dict) -> None:
        """An order of another system, by ZeroMQ."""
        with zmq.Context() as context, context.socket(zmq.REQ) as socket:
            socket.linger = 0
            socket.connect(self.daemon.control)
            content_type = b"application/vnd.ecgstream.control.v1+json"
            socket.send_multipart([content_type, order["streamId"].encode(), json.dumps(order).encode()])
            assert socket.poll(5000) and json.loads(socket.recv_multipart()[2])["accepted"]

    def silence(self) -> None:
        """Nobody sends any more."""
        self._stop.set()
        for simulator in self._simulators:
            simulator.terminate()
            simulator.wait()
        for player in self._players:
            player.join()
        self._simulators, self._players, self._stop = [], [], threading.Event()

    def close(self) -> None:
        self.silence()
        self.alerts.close()
        self.daemon.stop()


def opened(browser: Browser, url: str, **options) -> Page:
    """A page of its own, in which every error of its scripts is an error of the test."""
    page = browser.new_page(viewport=SCREEN, **options)
    page.faults = []
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.set_default_timeout(15_000)
    page.goto(url)
    return page


def layers(page: Page) -> int:
    """How many the browser composes the page of, and draws anew with every frame."""
    session, told = page.context.new_cdp_session(page), []
    session.on("LayerTree.layerTreeDidChange", lambda change: told.append(change.get("layers", [])))
    session.send("DOM.enable")
    session.send("LayerTree.enable")
    until(lambda: page.wait_for_timeout(100) or any(told), 10)
    session.detach()
    return sum(layer["drawsContent"] for layer in next(filter(None, reversed(told))))


def heap_mb(page: Page) -> float:
    """What its scripts hold, after a collection."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    used = session.send("Runtime.getHeapUsage")["usedSize"] / 2**20
    session.detach()
    return used


def picture(page: Page, name: str) -> None:
    """Kept in docs/pictures where the environment asks for it."""
    if PICTURES:
        page.screenshot(path=str(Path(PICTURES) / f"{name}.png"), full_page=True)


def accessible(page: Page) -> None:
    """No finding of axe-core that is serious or worse."""
    found = Axe().run(page).response["violations"]
    grave = [
        (v["id"], v["help"], [n["html"] for n in v["nodes"]][:3])
        for v in found
        if v["impact"] in ("serious", "critical")
    ]
    assert not grave
