"""The demo from start to summary."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import webbrowser
from pathlib import Path
from typing import Any

import zmq
from rich.console import Console
from rich.live import Live

from ..errors import EcgstreamError
from ..kernel_cache import is_filled
from ..web.access import Role, new_entry
from ..wire.codec import decode
from .board import Board
from .processes import DaemonProcess, start_simulator
from .summary import summarise, table

STARTING_S, COMPILING_S = 60.0, 1800.0
"""How long the daemon may take until it is ready."""
SETTLE_S = 3.0
"""After the last chunk was due: time for the last hops to come back."""


def run_demo(seconds: float, beds: int, seed: int, json_file: Path | None) -> int:
    """Play ``seconds`` (0: until Ctrl-C) of a simulated ward; exit code 1 if a scripted lethal episode was missed."""
    console = Console()
    with tempfile.TemporaryDirectory(prefix="ecgstream-demo-") as name:
        folder = Path(name)
        token, entry = new_entry("demo", Role.CONFIGURE)
        (folder / "tokens.yaml").write_text(entry)
        web = {"enabled": True, "banner": "demo", "tokens_file": str(folder / "tokens.yaml")}
        daemon = DaemonProcess(folder, {"web": web})
        console.print("Starting the daemon and a simulated ward on loopback …", style="dim")
        compiles = not is_filled()  # after an update, too
        if compiles:
            console.print("Compiling for this processor, once: some minutes …", style="dim")
        daemon.start()
        simulator = None
        try:
            daemon.wait_ready(COMPILING_S if compiles else STARTING_S)
            _show_page(console, f"{daemon.http}/ward/#token={token}")
            told = f"Metrics: {daemon.http}/metrics   health: {daemon.http}/health/ready"
            console.print(told, style="dim", soft_wrap=True)
            truth_file = folder / "truth.json"
            arguments = ward_arguments(daemon, beds, seconds, seed, truth_file)
            simulator = start_simulator(*arguments, log=folder / "ward.log")
            return _watch(console, daemon, simulator, truth_file, seconds, json_file)
        except EcgstreamError as error:
            console.print(str(error), style="red", markup=False)
            return 2
        finally:
            if simulator is not None and simulator.poll() is None:
                simulator.terminate()
                simulator.wait()
            daemon.stop()


def _show_page(console: Console, url: str) -> None:
    """Say where the ward page is; open it where somebody is watching."""
    console.print(f"Ward page: [link={url}]{url}[/link]", style="bold", soft_wrap=True)
    has_display = sys.platform in ("darwin", "win32") or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if has_display and console.is_terminal:
        webbrowser.open(url)


def ward_arguments(daemon: DaemonProcess, beds: int, seconds: float, seed: int, truth: Path) -> list[str]:
    """What the simulator is told; ``seconds`` 0 means a shift."""
    arguments = ["ward", "--connect", daemon.source, "--beds", str(beds), "--seed", str(seed), "--truth", str(truth)]
    return [*arguments, "--seconds", str(seconds)] if seconds else arguments


def _watch(
    console: Console,
    daemon: DaemonProcess,
    simulator: subprocess.Popen[bytes],
    truth_file: Path,
    seconds: float,
    json_file: Path | None,
) -> int:
    truth = read_truth(truth_file, simulator)
    board = Board({bed["stream_id"]: f"{bed['leads']} × {bed['fs_hz']:g} Hz" for bed in truth})
    started_s = time.monotonic()
    try:
        _show(console, daemon, board, seconds, started_s)
    except KeyboardInterrupt:
        console.print()
    summary = summarise(truth, board, min(seconds or time.monotonic() - started_s, time.monotonic() - started_s))
    console.print(table(summary))
    if json_file:
        json_file.write_text(json.dumps(summary, indent=1))
    return 1 if summary["missed_lethal"] else 0


def read_truth(file: Path, simulator: subprocess.Popen[bytes]) -> list[dict[str, Any]]:
    """The simulator writes its script before the first chunk leaves."""
    deadline_s = time.monotonic() + 30
    while not file.exists():
        if simulator.poll() is not None or time.monotonic() > deadline_s:
            raise EcgstreamError(f"The simulator did not start:\n{(file.parent / 'ward.log').read_text()[-2000:]}")
        time.sleep(0.05)
    return json.loads(file.read_text())["beds"]


def _show(console: Console, daemon: DaemonProcess, board: Board, seconds: float, started_s: float) -> None:
    """Receive until the time is up; a live table on a terminal, plain lines elsewhere."""
    with zmq.Context() as context, context.socket(zmq.SUB) as sub:
        sub.setsockopt(zmq.LINGER, 0)
        sub.connect(daemon.sink)
        sub.subscribe(b"")
        with Live(console=console, refresh_per_second=4, screen=False, auto_refresh=False) as live:
            shown_s = 0.0
            while not seconds or time.monotonic() - started_s < seconds + SETTLE_S:
                receive(sub, board, console if not console.is_terminal else None)
                if console.is_terminal and time.monotonic() - shown_s > 0.25:
                    shown_s = time.monotonic()
                    live.update(board.render(f"{shown_s - started_s:.0f} s · {daemon.http}/metrics"), refresh=True)


def receive(sub: zmq.Socket[bytes], board: Board, printer: Console | None) -> None:
    """Put what has arrived, within 0.1 s, on the board; alerts go to the printer, too."""
    if not sub.poll(100):
        return
    while sub.poll(0):
        content_type, _, payload = sub.recv_multipart()
        line = board.take(decode(payload, content_type.decode()))
        if line is not None and printer is not None:
            printer.print(line)
