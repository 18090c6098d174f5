"""``ecgstream bench encoder``: a hop carried on against its window computed anew, and arithmetic against the peak.

One thread, CPU time; the shipped encoder as the daemon loads it. Its arithmetic is counted by ``flops_per_hop``,
the peak is the best that matrix product or convolution reaches here, at that precision, in the same run. Then, and on
a GPU alone, rounds over a filled arena (``rounds``).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from rich.console import Group
from rich.table import Table
from torch.nn import functional

from ..diagnosis import Model
from ..diagnosis.loader import load_model
from ..models.encoder import HOP_INPUTS, POOL_HOPS, EncoderShape
from ..waveform import HOP_S, N_LEADS
from .flops import LEADS_PLAYED, flops_per_hop
from .rounds import measure_rounds, rounds_table
from .shown import show

STREAMS = 256
WINDOW_HOPS = POOL_HOPS
CHUNK_HOPS = 5
"""What a chunk of a second brings at once."""
HOP_BATCHES = (16, 32, 64, 128, 256)
CHUNK_BATCHES = (16, 24, 32, 64)
WINDOW_BATCHES = (4, 8, 16, 32)
REPEATS = 7


BEDS = {"cpu": 500, "cuda": 100_000}


def run_encoder_bench(
    model_folder: Path | None, device: str, precision: str | None, beds: int | None, json_file: Path | None
) -> int:
    """Print and write the figures; exit code 2 where the model cannot be used. Without ``precision``: on a CPU fp32, on
    a GPU each."""
    beds, threads = beds or BEDS[device], torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        if device == "cuda":
            each = (precision,) if precision else ("fp32", "bf16")
            return show(lambda console: measure_rounds(model_folder, device, each, beds), rounds_table, json_file)
        return show(lambda console: _measure(model_folder, precision or "fp32", beds), _tables, json_file)
    finally:
        torch.set_num_threads(threads)


def _measure(model_folder: Path | None, precision: str, beds: int) -> dict[str, Any]:
    rounds = measure_rounds(model_folder, "cpu", (precision,), beds)
    found = measure_encoder(load_model(model_folder, "cpu", precision))
    return {**found, "beds_in_real_time": rounds["beds_in_real_time"], "rounds": rounds}


def measure_encoder(model: Model) -> dict[str, Any]:
    """Each way in the batch size that suits it best; seconds are of CPU, per stream."""
    hop = {batch: _cost_s(model, batch, 1) for batch in HOP_BATCHES}
    chunk = {batch: _cost_s(model, batch, CHUNK_HOPS) for batch in CHUNK_BATCHES}
    window = {batch: _cost_s(model, batch, WINDOW_HOPS) for batch in WINDOW_BATCHES}
    peaks = measure_peaks(getattr(torch, {"fp32": "float32", "bf16": "bfloat16"}[model.precision]))
    per_hop = flops_per_hop(EncoderShape(len(model.manifest.names)), LEADS_PLAYED)
    reached = per_hop * CHUNK_HOPS / min(chunk.values())
    return {
        "incremental_ratio": round(min(window.values()) / min(hop.values()), 2),
        "roofline_fraction": round(reached / max(peaks.values()), 4),
        "hops_per_s": round(CHUNK_HOPS / min(chunk.values())),
        "hops_per_s_one_at_a_time": round(1 / min(hop.values())),
        "cpu_ms_per_bed_s": round(1e3 * min(chunk.values()) / (CHUNK_HOPS * HOP_S), 4),
        "flops_per_hop": per_hop,
        "reached_flop_per_s": round(reached),
        "peak_flop_per_s": {name: round(peak) for name, peak in peaks.items()},
        "precision": model.precision,
        "model": model.version,
        "us_per_hop_by_batch": {batch: round(1e6 * cost, 2) for batch, cost in hop.items()},
        "us_per_chunk_by_batch": {batch: round(1e6 * cost, 2) for batch, cost in chunk.items()},
        "us_per_window_by_batch": {batch: round(1e6 * cost, 2) for batch, cost in window.items()},
    }


def measure_peaks(dtype: torch.dtype) -> dict[str, float]:
    """FLOP/s of one thread at a precision: square products, one as wide as the encoder's, and convolutions."""
    found = {}
    for name, rows, inner, columns in (
        ("product 1024", 1024, 1024, 1024),
        ("product 416 × 208 × 1000", 416, 208, 1000),
    ):
        a, b = torch.randn(rows, inner, dtype=dtype), torch.randn(inner, columns, dtype=dtype)
        found[name] = 2 * rows * inner * columns / _best_s(lambda a=a, b=b: a @ b)
    for wide, size, batch in ((64, 56, 4), (128, 28, 8)):
        x = torch.randn(batch, wide, size, size, dtype=dtype).contiguous(memory_format=torch.channels_last)
        weight = torch.randn(wide, wide, 3, 3, dtype=dtype).contiguous(memory_format=torch.channels_last)
        taken_s = _best_s(lambda x=x, weight=weight: functional.conv2d(x, weight, padding=1))
        found[f"convolution {wide} × {size}²"] = 2 * 9 * wide * wide * size * size * batch / taken_s
    return found


def _cost_s(model: Model, batch: int, hops: int) -> float:
    """CPU seconds per stream of one call over a batch."""
    state = torch.zeros(batch, model.manifest.n_state)
    samples = torch.zeros(batch, 2 * N_LEADS, hops * HOP_INPUTS)
    samples[:, :LEADS_PLAYED] = 0.3 * torch.randn(batch, LEADS_PLAYED, hops * HOP_INPUTS)
    samples[:, N_LEADS : N_LEADS + LEADS_PLAYED] = 1.0
    return _best_s(lambda: model.encoder(samples, state)) / batch


def _best_s(do: Callable[[], Any]) -> float:
    """The least CPU time of some runs, the first few, in which PyTorch specialises, aside."""
    taken = []
    with torch.inference_mode():
        for _ in range(3 + REPEATS):
            begun_s = time.thread_time()
            do()
            taken.append(time.thread_time() - begun_s)
    return min(taken[3:])


def _tables(measured: dict[str, Any]) -> Group:
    return Group(_table(measured), rounds_table(measured["rounds"]))


def _table(measured: dict[str, Any]) -> Table:
    table = Table(title=f"Encoder, one thread, {measured['precision']}", title_style="bold")
    table.add_column("what")
    table.add_column("value", justify="right")
    table.add_row("window of 10 s computed anew / hop carried on", f"{measured['incremental_ratio']:.1f}")
    table.add_row("hops/s, a second at a time", f"{measured['hops_per_s']:,}")
    table.add_row("hops/s, one at a time", f"{measured['hops_per_s_one_at_a_time']:,}")
    table.add_row("CPU ms per bed-second", f"{measured['cpu_ms_per_bed_s']:.3f}")
    table.add_row("GFLOP/s reached", f"{measured['reached_flop_per_s'] / 1e9:.1f}")
    for name, peak in measured["peak_flop_per_s"].items():
        table.add_row(f"  {name}", f"{peak / 1e9:.1f}")
    table.add_row("share of the best of these", f"{measured['roofline_fraction']:.3f}")
    return table
