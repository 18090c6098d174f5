"""``ecgstream bench peers``: what the daemon spends on a bed, beside a straightforward pipeline without any I/O.

The peer does, per bed and second, what is often written first: ``filtfilt`` over the last ten seconds of twelve leads,
``sleepecg.detect_heartbeats`` on lead II, and an eager 1-D ResNet over the window. It receives nothing, sends nothing,
keeps no alarms, and runs on one thread; the daemon's figure is all of its process in a real run over ZeroMQ.
"""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from scipy import signal
from torch import Tensor, nn

from ..errors import EcgstreamError
from .beds import measure_beds
from .shown import Measured, show

FS_HZ, WINDOW_S, LEADS = 250, 10, 12
BAND_HZ = (0.5, 40.0)
ROUNDS = 5
PEER_BEDS = 40


def run_peers_bench(beds: int, seconds: float, json_file: Path | None) -> int:
    """Print and write both costs and their ratio; exit code 2 where a peer is not installed or nothing came up."""

    def measure(console: Console) -> Measured:
        """The peer first, then a daemon of ours."""
        peer, ours = measure_peer(), measure_beds(console, beds, seconds)
        return {
            "cpu_s_per_bed_s": ours["cpu_s_per_bed_s"],
            "peer_cpu_s_per_bed_s": peer["cpu_s_per_bed_s"],
            "ratio": round(peer["cpu_s_per_bed_s"] / ours["cpu_s_per_bed_s"], 3),
            "beds": beds,
            "peer": peer,
            "ours": ours,
        }

    return show(measure, _table, json_file)


class Residual(nn.Module):
    """Two convolutions and a way around them."""

    def __init__(self, wide_in: int, wide: int, stride: int):
        super().__init__()
        self.way = nn.Sequential(
            nn.Conv1d(wide_in, wide, 7, stride, 3, bias=False),
            nn.BatchNorm1d(wide),
            nn.ReLU(),
            nn.Conv1d(wide, wide, 7, 1, 3, bias=False),
            nn.BatchNorm1d(wide),
        )
        self.around = nn.Conv1d(wide_in, wide, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, wide_in, T) to (B, wide, T / stride)."""
        return torch.relu(self.way(x) + self.around(x))


def resnet() -> nn.Sequential:
    """A usual small ECG network (after Ribeiro et al. 2020) of about 0.4 M parameters."""
    widths = (32, 32, 48, 64, 96, 128)
    blocks = [Residual(a, b, 2) for a, b in zip(widths[:-1], widths[1:], strict=True)]
    head = [nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(widths[-1], 40)]
    return nn.Sequential(nn.Conv1d(LEADS, widths[0], 15, 4, 7), nn.ReLU(), *blocks, *head).eval()


def measure_peer() -> dict[str, Any]:
    """CPU seconds per bed-second, all of it and by part: medians over rounds of ``PEER_BEDS`` beds."""
    try:
        from sleepecg import detect_heartbeats
    except ModuleNotFoundError as error:
        raise EcgstreamError("The peer needs sleepecg; run: pip install 'ecgstream[peers]'") from error
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    network, sections = resnet(), signal.butter(2, BAND_HZ, "bandpass", fs=FS_HZ)
    windows = _windows()
    rounds = []
    for _ in range(ROUNDS + 1):
        marks = [time.process_time()]
        filtered = [signal.filtfilt(*sections, window, axis=1) for window in windows]
        marks.append(time.process_time())
        beats = [detect_heartbeats(window[1], FS_HZ) for window in filtered]
        marks.append(time.process_time())
        with torch.inference_mode():
            for window in filtered:
                network(torch.from_numpy(window.astype(np.float32))[None]).sigmoid()
        marks.append(time.process_time())
        rounds.append(np.diff(marks) / len(windows))
    torch.set_num_threads(threads)
    if not all(len(found) for found in beats):
        raise EcgstreamError("The peer found no beats in what it was given; its cost says nothing.")
    parts = [float(median(of)) for of in np.array(rounds[1:]).T]
    return {
        "cpu_s_per_bed_s": sum(parts),
        "parts": dict(zip(("filtfilt", "detect_heartbeats", "resnet"), parts, strict=True)),
        "resnet_parameters": sum(parameter.numel() for parameter in network.parameters()),
    }


def _windows() -> list[np.ndarray]:
    """Ten seconds of twelve leads each, float64 (12, 2500): beats at different rates, wander and noise."""
    rng, t = np.random.default_rng(0), np.arange(FS_HZ * WINDOW_S) / FS_HZ
    windows = []
    for bed in range(PEER_BEDS):
        phase = t * (1.0 + 0.02 * bed) % 1.0
        beat = np.exp(-(((phase - 0.3) / 0.012) ** 2)) + 0.25 * np.exp(-(((phase - 0.55) / 0.05) ** 2))
        wander = 0.2 * np.sin(2 * np.pi * 0.25 * t)
        windows.append(rng.uniform(0.5, 1.5, (LEADS, 1)) * beat + wander + 0.02 * rng.standard_normal((LEADS, len(t))))
    return windows


def _table(measured: dict[str, Any]) -> Table:
    table = Table(title=f"CPU ms per bed-second, {measured['beds']} beds", title_style="bold")
    table.add_column("what")
    table.add_column("value", justify="right")
    table.add_row("the daemon, all I/O included", f"{1e3 * measured['cpu_s_per_bed_s']:.3f}")
    table.add_row("the straightforward pipeline, no I/O", f"{1e3 * measured['peer_cpu_s_per_bed_s']:.3f}")
    for name, cost_s in measured["peer"]["parts"].items():
        table.add_row(f"  {name}", f"{1e3 * cost_s:.3f}")
    table.add_row("ratio", f"{measured['ratio']:.2f}")
    table.add_row("the daemon kept up", "yes" if measured["ours"]["kept_up"] else "NO")
    return table
