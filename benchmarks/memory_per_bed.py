"""What a bed costs in memory: the daemon's resident memory over beds, and the slope of the line through it.

    python benchmarks/memory_per_bed.py [--beds 10 100 200 300 400] [--json FILE] [--plot FILE.svg]

One daemon for each number of beds, so that no memory of an earlier one is used again. Beds are 12 leads at 250 Hz in
chunks of 1 s, everything on, after ``--seconds`` of signal in real time: longer than arena and encoder remember. Take
as many beds as the machine keeps up with, so that no messages wait; as nobody reads the page, no trends are kept.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from rich.progress import track

from ecgstream.bench.results import samples
from ecgstream.demo.processes import DaemonProcess, start_simulator

RSS = ("process_resident_memory_bytes", "")
ACCEPTED = ("ecgstream_messages_total", "accepted")
LONGEST_S = 900.0


def resident_bytes(beds: int, seconds: int) -> float:
    """Resident memory of a daemon once it has taken so many seconds of every bed."""
    with tempfile.TemporaryDirectory(prefix="ecgstream-memory-") as name:
        settings = {"log": {"level": "warning"}, "intake": {"max_streams": beds}, "clock": "sample"}
        daemon = DaemonProcess(Path(name), settings)
        daemon.start()
        try:
            daemon.wait_ready()
            arguments = ["load", "--beds", str(beds), "--seconds", str(seconds)]
            load = start_simulator(*arguments, "--connect", daemon.source, log=Path(name) / "load.log")
            deadline_s = time.monotonic() + LONGEST_S
            while samples(daemon.metrics()).get(ACCEPTED, 0) < beds * seconds:
                if time.monotonic() > deadline_s:
                    raise SystemExit(f"{beds} beds: not all of {seconds} s was taken within {LONGEST_S:.0f} s.")
                time.sleep(1)
            load.wait()
            time.sleep(1)
            return samples(daemon.metrics())[RSS]
        finally:
            daemon.stop()


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--beds", type=int, nargs="+", default=[10, 100, 200, 300, 400])
    parser.add_argument("--seconds", type=int, default=40)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    found = [resident_bytes(beds, options.seconds) for beds in track(options.beds, "filling daemons")]
    slope, base = np.polyfit(options.beds, found, 1)
    for beds, resident in zip(options.beds, found, strict=True):
        print(f"{beds:6d} beds {resident / 1e6:8.0f} MB")
    print(f"{slope / 1e3:.0f} kB per bed, {base / 1e6:.0f} MB without any")
    if options.json:
        sizes = dict(zip(options.beds, found, strict=True))
        options.json.write_text(json.dumps({"rss_bytes": sizes, "bytes_per_bed": slope, "base_bytes": base}, indent=1))
    if options.plot:
        plot(options.plot, options.beds, found, slope, base)


def plot(path: Path, beds: list[int], found: list[float], slope: float, base: float) -> None:
    """Points, and the line through them."""
    figure = Figure(figsize=(6, 3.6), layout="constrained")
    axes = figure.subplots()
    line = np.array([0, max(beds)])
    axes.plot(line, (base + slope * line) / 1e6, color="#999999", label=f"{slope / 1e3:.0f} kB per bed")
    axes.plot(beds, np.array(found) / 1e6, "o", color="#1d5fa8")
    axes.set(xlabel="beds, 12 leads at 250 Hz", ylabel="resident memory, MB", xlim=(0, None), ylim=(0, None))
    axes.legend(frameon=False)
    axes.grid(alpha=0.3)
    figure.savefig(path)


if __name__ == "__main__":
    main()
