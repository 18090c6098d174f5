"""Many beds in real time through real sockets: the daemon and the load generator as processes, this one listening.

The load generator stamps every chunk so that its last sample's time is the time the chunk is due to be sent; a result
up to that sample is as late as the clock has moved on since: ``latency_s = received - time of the last sample``.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import zmq
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from ..demo.processes import DaemonProcess, start_simulator
from ..errors import EcgstreamError
from ..wire.codec import decode
from .percentiles import percentiles

SETTLE_S = 12.0
"""Until every bed's encoder has filled its memory; nothing before that is counted."""
DRAIN_S = 2.0
KEPT_UP_S = 1.0
"""A daemon whose 99th percentile is above this is falling behind chunks of 1 s."""


def run_bench(beds: int, seconds: float, json_file: Path | None) -> int:
    """Print and write latency and cost; exit code 1 if the daemon did not keep up."""
    console = Console()
    with tempfile.TemporaryDirectory(prefix="ecgstream-bench-") as name:
        daemon = DaemonProcess(Path(name), {"log": {"level": "warning"}, "intake": {"max_streams": beds}})
        daemon.start()
        try:
            daemon.wait_ready()
            result = _measure(console, daemon, beds, seconds, Path(name))
        except EcgstreamError as error:
            console.print(str(error), style="red", markup=False)
            return 2
        finally:
            daemon.stop()
    console.print(_table(result))
    if json_file:
        json_file.write_text(json.dumps(result, indent=1))
    return 0 if result["kept_up"] else 1


def _measure(console: Console, daemon: DaemonProcess, beds: int, seconds: float, folder: Path) -> dict[str, Any]:
    total_s = SETTLE_S + seconds
    arguments = ["load", "--beds", str(beds), "--seconds", str(total_s + 1), "--connect", daemon.source]
    load = start_simulator(*arguments, log=folder / "load.log")
    try:
        with Listener(daemon.sink) as listener, Progress(console=console) as bars:
            _listen(listener, bars, "filling the encoders' memory", SETTLE_S, load, folder)
            before, before_s = daemon.metrics(), time.monotonic()
            listener.clear()
            _listen(listener, bars, f"measuring {beds} beds", seconds, load, folder)
            after, measured_s = daemon.metrics(), time.monotonic() - before_s
            listener.receive_for(DRAIN_S)
    finally:
        load.terminate()
        load.wait()
    return _result(listener, beds, measured_s, _samples(before), _samples(after))


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
    """Subscribes to the daemon's results and remembers how late each was."""

    def __init__(self, endpoint: str):
        self._socket = zmq.Context.instance().socket(zmq.SUB)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.RCVHWM, 0)
        self._socket.connect(endpoint)
        self._socket.subscribe(b"application/vnd.ecgstream.diagnosis")
        self._socket.subscribe(b"application/vnd.ecgstream.alert")
        self.clear()

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def clear(self) -> None:
        """Forget everything heard so far."""
        self.diagnosis_s: list[float] = []
        self.alert_s: list[float] = []
        self.withheld: Counter[str] = Counter()

    def receive_for(self, seconds: float) -> None:
        """Listen for a while."""
        deadline_s = time.monotonic() + seconds
        while (left_s := deadline_s - time.monotonic()) > 0:
            if self._socket.poll(int(left_s * 1000) + 1):
                self._take(*self._socket.recv_multipart())

    def _take(self, content_type: bytes, _: bytes, payload: bytes) -> None:
        now_ns = time.time_ns()
        message = decode(payload, content_type.decode())
        if content_type.startswith(b"application/vnd.ecgstream.diagnosis"):
            self.diagnosis_s.append((now_ns - message.time_ns) / 1e9)
            self.withheld[message.withheld or "scored"] += 1
        else:
            self.alert_s.append(message.late_s + (now_ns - message.published_time_ns) / 1e9)


def _samples(text: str) -> dict[tuple[str, str], float]:
    """Value of each sample by name and first label value."""
    return {
        (sample.name, next(iter(sample.labels.values()), "")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def _result(
    listener: Listener,
    beds: int,
    measured_s: float,
    before: dict[tuple[str, str], float],
    after: dict[tuple[str, str], float],
) -> dict[str, Any]:
    def spent(name: str, label: str = "") -> float:
        return after.get((name, label), 0.0) - before.get((name, label), 0.0)

    bed_s = beds * measured_s
    stages = sorted({label for name, label in after if name == "ecgstream_stage_cpu_seconds_total"})
    latency = percentiles(listener.diagnosis_s)
    lost = sum(spent("ecgstream_intake_total", kind) for kind in ("gap", "late", "restart"))
    kept_up = len(listener.diagnosis_s) >= 0.98 * bed_s and lost == 0 and (latency["p99"] or np.inf) <= KEPT_UP_S
    return {
        "beds": beds,
        "seconds": round(measured_s, 2),
        "kept_up": bool(kept_up),
        "diagnoses": len(listener.diagnosis_s),
        "withheld": dict(listener.withheld),
        "latency_s": latency,
        "sample_to_alert_s": percentiles(listener.alert_s),
        "cpu_s_per_bed_s": spent("process_cpu_seconds_total") / bed_s,
        "stages": {stage: spent("ecgstream_stage_cpu_seconds_total", stage) / bed_s for stage in stages},
        "rss_bytes": after.get(("process_resident_memory_bytes", ""), 0.0),
    }


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
    return table
