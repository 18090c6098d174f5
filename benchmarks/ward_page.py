"""The ward page under a whole ward, for minutes: frames a second, memory of page and daemon, CPU.

    python benchmarks/ward_page.py --beds 64 --minutes 10

Headless Chromium, no GPU; needs the extra ``dev``. Prints a line every half minute, and ends with 1 where memory grew.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer
from playwright.sync_api import Page, sync_playwright

from ecgstream.demo.processes import DaemonProcess, start_simulator

EVERY_S = 30.0
MOST_GROWTH_MB = 30.0
FILLING_S = 75.0
"""Until the daemon's rings of a minute are full, and kernels and page compiled."""
WALL = {"width": 1920, "height": 1080}


def main(
    beds: Annotated[int, typer.Option(min=1, max=500)] = 64,
    minutes: Annotated[float, typer.Option(min=0.5)] = 10.0,
    picture: Annotated[Path | None, typer.Option(help="Keep a picture of the page here, at the end.")] = None,
) -> None:
    """Feed, look on, measure."""
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        daemon = DaemonProcess(folder, {"web": {"enabled": True, "banner": "demo"}})
        daemon.start()
        daemon.wait_ready()
        seconds = str(FILLING_S + 60 * minutes + 60)
        load = ["load", "--connect", daemon.source, "--beds", str(beds), "--seconds", seconds, "--chunk-s", "0.5"]
        simulator = start_simulator(*load, log=folder / "load.log")
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        try:
            page = browser.new_page(viewport=WALL)
            page.goto(f"{daemon.http}/ward/")
            # The page's own policy lets no text be run as a condition.
            while page.evaluate("ecgstream.live.beds.size") < beds:
                time.sleep(0.5)
            code = _watch(page, daemon, minutes)
            if picture:
                page.screenshot(path=str(picture))
            raise typer.Exit(code)
        finally:
            browser.close()
            simulator.terminate()
            simulator.wait()
            daemon.stop()


def _watch(page: Page, daemon: DaemonProcess, minutes: float) -> int:
    time.sleep(FILLING_S)
    first = last = None
    print("minute  frames/s  worst second  page MB  daemon MB  daemon CPU %  kB/s  updates dropped  host took %")
    begun_s = time.monotonic()
    while time.monotonic() - begun_s < 60 * minutes:
        took, cpu_s = _host_took(), daemon.metric("process_cpu_seconds_total")
        sent, _, at_s = page.evaluate("ecgstream.live.bytes"), page.evaluate(COUNT), time.monotonic()
        time.sleep(EVERY_S)
        over_s = time.monotonic() - at_s
        seconds = page.evaluate(COUNT)
        fps, worst = statistics.mean(seconds), min(seconds)
        last = (_heap_mb(page), daemon.metric("process_resident_memory_bytes") / 2**20)
        first = first or last
        cpu = 100 * (daemon.metric("process_cpu_seconds_total") - cpu_s) / over_s
        kb_per_s = (page.evaluate("ecgstream.live.bytes") - sent) / over_s / 1000
        dropped = daemon.metric("ecgstream_web_updates_dropped_total")
        host, minute = _share(took, _host_took()), (time.monotonic() - begun_s) / 60
        frames, memory = f"{fps:8.1f}  {worst:12.0f}", f"{last[0]:7.1f}  {last[1]:9.0f}"
        print(f"{minute:6.1f}  {frames}  {memory}  {cpu:12.0f}  {kb_per_s:4.0f}  {dropped:15.0f}  {host:11.0f}")
    grown = max(last[0] - first[0], last[1] - first[1])
    print(f"Grown by at most {grown:.1f} MB.")
    return 1 if grown > MOST_GROWTH_MB else 0


def _host_took() -> tuple[int, int]:
    """Jiffies of both kinds so far: what a virtual machine's host gave to others (steal), and all."""
    values = [int(value) for value in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
    return values[7], sum(values[:8])


def _share(before: tuple[int, int], after: tuple[int, int]) -> float:
    return 100 * (after[0] - before[0]) / max(1, after[1] - before[1])


COUNT = """() => {
  const seconds = window.framesBySecond?.slice(1, -1);  // the first and the last are not whole
  if (!seconds) {
    const count = (ms) => {
      const all = window.framesBySecond;
      const at = Math.floor((ms - window.countedFromMs) / 1000);
      while (all.length <= at) all.push(0);
      all[at] += 1;
      requestAnimationFrame(count);
    };
    requestAnimationFrame(count);
  }
  [window.framesBySecond, window.countedFromMs] = [[0], performance.now()];
  return seconds ?? [];
}"""
"""Frames of every whole second since it was asked last."""


def _heap_mb(page: Page) -> float:
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    used = session.send("Runtime.getHeapUsage")["usedSize"] / 2**20
    session.detach()
    return used


if __name__ == "__main__":
    typer.run(main)
