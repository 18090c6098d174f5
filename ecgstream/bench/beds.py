"""Many beds in real time through real sockets: the daemon and the load generator as processes, this one listening.

The load generator stamps every chunk so that its last sample's time is the time the chunk is due to be sent; a result
up to that sample is as late as the clock has moved on since: ``latency_s = received - time of the last sample``.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from operator import itemgetter
from pathlib import Path
from typing import Any

import zmq
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from ..demo.processes import DaemonProcess, start_simulator
from ..errors import EcgstreamError
from .results import Heard, result, samples
from .shown import Measured, show

SETTLE_S = 12.0
"""Until every bed's encoder has filled its memory; nothing before that is counted."""
DRAIN_S = 2.0


def run_bench(beds: int, seconds: float, json_file: Path | None) -> int:
    """Print and write latency and cost; exit code 1 if the daemon did not keep up, 2 on a fault."""

    def measure(console: Console) -> Measured:
        return measure_beds(console, beds, seconds)

    return show(measure, _table, json_file, passed=itemgetter("kept_up"))


def measure_beds(console: Console, beds: int, seconds: float, settle_s: float = SETTLE_S) -> dict[str, Any]:
    """Figures of one run of a daemon of its own. Raises EcgstreamError where it, or the load, does not come up."""
    with tempfile.TemporaryDirectory(prefix="ecgstream-bench-") as name:
        daemon = DaemonProcess(Path(name), {"log": {"level": "warning"}, "intake": {"max_streams": beds}})
        daemon.start()
        try:
            daemon.wait_ready()
            return _measure(console, daemon, beds, seconds, settle_s, Path(name))
        finally:
            daemon.stop()


def _measure(
    console: Console, daemon: DaemonProcess, beds: int, seconds: float, settle_s: float, folder: Path
) -> dict[str, Any]:
    total_s = settle_s + seconds
    arguments = ["load", "--beds", str(beds), "--seconds", str(total_s + 1), "--connect", daemon.source]
    empty = daemon.metrics()
    load = start_simulator(*arguments, log=folder / "load.log")
    try:
        with Listener(daemon.sink) as listener, Progress(console=console) as bars:
            _listen(listener, bars, "filling the encoders' memory", settle_s, load, folder)
            before, before_s = daemon.metrics(), time.monotonic()
            listener.heard.clear()
            _listen(listener, bars, f"measuring {beds} beds", seconds, load, folder)
            after, measured_s = daemon.metrics(), time.monotonic() - before_s
            listener.receive_for(DRAIN_S)
    finally:
        load.terminate()
        load.wait()
    return result(listener.heard, beds, measured_s, samples(before), samples(after), samples(empty))


def _listen(
    listener: Listener, bars: Progress, text: str, seconds: float, load: subprocess.Popen[bytes], folder: Path
) -> None:
    bar = bars.add_task(text, total=seconds)
    start_s = time.monotonic()
    while (passed_s := time.monotonic() - start_s) < seconds:
        listener.receive_for(min(0.5, seconds - passed_s))
        bars.update(bar, completed=time.monotonic() - start_s)
        if load.poll() is not None:
            raise EcgstreamError(f"The load generator ended early:\n{(folder / 'load.log').read_text()[-2000:]}")


class Listener:
    """Subscribes to the daemon's results."""

    def __init__(self, endpoint: str):
        self._socket = zmq.Context.instance().socket(zmq.SUB)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.RCVHWM, 0)
        self._socket.connect(endpoint)
        self._socket.subscribe(b"application/vnd.ecgstream.diagnosis")
        self._socket.subscribe(b"application/vnd.ecgstream.alert")
        self.heard = Heard()

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def receive_for(self, seconds: float) -> None:
        """Listen for a while."""
        deadline_s = time.monotonic() + seconds
        while (left_s := deadline_s - time.monotonic()) > 0:
            if self._socket.poll(int(left_s * 1000) + 1):
                self._take(*self._socket.recv_multipart())

    def _take(self, content_type: bytes, _: bytes, payload: bytes) -> None:
        self.heard.take(payload, content_type.decode())


def _table(result: dict[str, Any]) -> Table:
    verdict = "kept up" if result["kept_up"] else "FELL BEHIND"
    table = Table(title=f"{result['beds']} beds for {result['seconds']:.0f} s: {verdict}", title_style="bold")
    table.add_column("what")
    table.add_column("value", justify="right")
    for name in ("latency_s", "sample_to_alert_s"):
        for key in ("p50", "p99", "max"):
            value = result[name][key]
            table.add_row(f"{name} {key}", "none" if value is None else f"{value:.3f}")
    table.add_row("daemon CPU, ms per bed-second", f"{1e3 * result['cpu_s_per_bed_s']:.3f}")
    for stage, cost_s in sorted(result["stages"].items(), key=lambda item: -item[1]):
        table.add_row(f"  {stage}", f"{1e3 * cost_s:.3f}")
    table.add_row("daemon memory, MB", f"{result['rss_bytes'] / 1e6:.0f}")
    table.add_row("  more than without beds, kB per bed", f"{result['rss_bytes_per_bed'] / 1e3:.0f}")
    return table
