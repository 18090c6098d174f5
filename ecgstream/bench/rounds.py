"""Rounds over a filled arena: a second of every bed through the encoder, again and again, on a CPU or a GPU.

By the clock, from samples in the host's memory to scores there. Beside it, in the same run: TorchScript in batches, the
device's matrix product at that precision, and a large copy within its memory.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import structlog
import torch
from rich.table import Table

from ..diagnosis import Model
from ..diagnosis.batches import BatchedEncoder
from ..diagnosis.diagnosis import rows_encoder
from ..diagnosis.fused import FusedEncoder
from ..diagnosis.graphed import GraphedEncoder
from ..diagnosis.loader import load_model, load_torchscript
from ..errors import ModelError
from ..models.encoder import HOP_INPUTS, EncoderShape
from ..waveform import N_LEADS
from .flops import LEADS_PLAYED, flops_per_hop
from .percentiles import percentiles

HOPS = 5
FILLING_ROUNDS = 10
MEASURED_S, LEAST_ROUNDS, MOST_ROUNDS = 10.0, 5, 200
DIFFERENT_BEDS = 256
PRODUCT = {"cpu": 1024, "cuda": 8192}
COPIED_BYTES = {"cpu": 1 << 28, "cuda": 1 << 31}
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
FORMS = {FusedEncoder: "compiled", GraphedEncoder: "CUDA graphs", BatchedEncoder: "TorchScript"}

log = structlog.get_logger()


def measure_rounds(folder: Path | None, device: str, precisions: tuple[str, ...], beds: int) -> dict[str, Any]:
    """What each precision carries; ``beds_in_real_time`` of the first stands for all."""
    found = {precision: _measure(folder, device, precision, beds) for precision in precisions}
    return {
        "device": torch.cuda.get_device_name() if device == "cuda" else "cpu, one thread",
        "beds": beds,
        "beds_in_real_time": found[precisions[0]]["beds_in_real_time"],
        "copy_bytes_per_s": round(_copied_bytes_per_s(device)),
        **found,
    }


def _measure(folder: Path | None, device: str, precision: str, beds: int) -> dict[str, Any]:
    """One precision in the form that serves, and in TorchScript."""
    model = load_model(folder, device, precision)
    round_s, replay_s = _rounds_s(model, beds), _replays_s(model.encoder)
    plain_s = _torchscript_round_s(folder, device, precision, beds)
    carried = beds / float(np.median(round_s))
    peak = _product_flop_per_s(device, precision)
    reached = carried * HOPS * flops_per_hop(EncoderShape(len(model.manifest.names)), LEADS_PLAYED)
    return {
        "form": FORMS[type(rows_encoder(model))],
        "model": model.version,
        "beds_in_real_time": round(carried),
        "round_s": percentiles(round_s),
        "torchscript_beds_in_real_time": plain_s and round(beds / plain_s),
        "times_torchscript": plain_s and round(plain_s / float(np.median(round_s)), 2),
        "replay_ms_by_rows": {rows: round(1e3 * taken, 3) for rows, taken in replay_s.items()},
        "peak_flop_per_s": round(peak),
        "roofline_fraction": round(reached / peak, 4),
        "least_bytes_per_s": round(carried * _least_bytes(model)),
    }


def _torchscript_round_s(folder: Path | None, device: str, precision: str, beds: int) -> float | None:
    """Median; None, and the reason in the log, where the device cannot take it: what serves has been measured."""
    try:
        return float(np.median(_rounds_s(load_torchscript(folder, device, precision), beds)))
    except (ModelError, RuntimeError) as error:
        log.warning("TorchScript could not be measured", fault=str(error))
        return None


def _least_bytes(model: Model) -> int:
    """What a bed's second must move at least: its state read and written, samples in, scores out."""
    out = HOPS * (len(model.manifest.names) + 30)
    return 4 * (2 * model.manifest.n_state + 2 * N_LEADS * HOPS * HOP_INPUTS + out)


def _rounds_s(model: Model, beds: int) -> list[float]:
    """Seconds of each round of all beds, once PyTorch has specialised and the memory of ten seconds is full."""
    encoder = rows_encoder(model)
    if isinstance(encoder, BatchedEncoder):
        encoder.warm_up()
    state: Any = torch.zeros((beds, model.manifest.n_state), device=model.device)
    state = state.numpy() if model.device.type == "cpu" else state
    samples, rows, taken = _samples(beds), np.arange(beds), []
    for _ in range(FILLING_ROUNDS):
        encoder.advance(samples, state, rows)
    while len(taken) < MOST_ROUNDS and (len(taken) < LEAST_ROUNDS or sum(taken) < MEASURED_S):
        taken.append(_taken_s(lambda: encoder.advance(samples, state, rows)))
    return taken


def _samples(beds: int) -> np.ndarray:
    """A second of twelve leads of noise, float32 (beds, 32, 125); beds far apart have the same."""
    rng = np.random.default_rng(0)
    some = np.zeros((DIFFERENT_BEDS, 2 * N_LEADS, HOPS * HOP_INPUTS), np.float32)
    some[:, :LEADS_PLAYED] = 0.3 * rng.standard_normal((DIFFERENT_BEDS, LEADS_PLAYED, HOPS * HOP_INPUTS))
    some[:, N_LEADS : N_LEADS + LEADS_PLAYED] = 1.0
    return some[np.arange(beds) % DIFFERENT_BEDS]


def _replays_s(encoder: object) -> dict[int, float]:
    """Seconds of a graph alone, a second of so many rows, nothing copied; none without graphs."""
    if not isinstance(encoder, GraphedEncoder):
        return {}
    steps = {rows: step for (rows, hops), step in encoder.steps.items() if hops == HOPS}
    with torch.no_grad():
        return {rows: _best_s(step) for rows, step in steps.items()}


def _product_flop_per_s(device: str, precision: str) -> float:
    n = PRODUCT[device]
    a, b = (torch.randn((n, n), device=device, dtype=DTYPES[precision]) for _ in range(2))
    return 2 * n**3 / _best_s(lambda: a @ b)


def _copied_bytes_per_s(device: str) -> float:
    """Bytes read and written by a large copy within the device's memory."""
    source = torch.zeros(COPIED_BYTES[device], dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    return 2 * len(source) / _best_s(lambda: target.copy_(source))


def _best_s(do: Callable[[], Any]) -> float:
    return min([_taken_s(do) for _ in range(10)][3:])


def _taken_s(do: Callable[[], Any]) -> float:
    """Seconds by the clock until the device has done it."""
    _wait()
    begun_s = time.perf_counter()
    do()
    _wait()
    return time.perf_counter() - begun_s


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def rounds_table(measured: dict[str, Any]) -> Table:
    """A column for each precision."""
    precisions = [name for name in DTYPES if name in measured]
    title = f"Rounds of {measured['beds']:,} beds, a second of each: {measured['device']}"
    table = Table(title=title, title_style="bold")
    table.add_column("what")
    for precision in precisions:
        table.add_column(precision, justify="right")

    def row(name: str, value: Callable[[dict[str, Any]], str]) -> None:
        table.add_row(name, *(value(measured[precision]) for precision in precisions))

    row("form", lambda found: found["form"])
    row("beds in real time", lambda found: f"{found['beds_in_real_time']:,}")
    row("a round, p50 / p99, s", lambda found: "{p50:.3f} / {p99:.3f}".format(**found["round_s"]))
    row("TorchScript in batches: beds in real time", lambda found: _told(found["torchscript_beds_in_real_time"]))
    row("times TorchScript", lambda found: _told(found["times_torchscript"]))
    row("share of the matrix product's arithmetic", lambda found: f"{found['roofline_fraction']:.4f}")
    copied = measured["copy_bytes_per_s"]
    row("least traffic, share of a large copy's", lambda found: f"{found['least_bytes_per_s'] / copied:.4f}")
    if any(measured[precision]["replay_ms_by_rows"] for precision in precisions):
        row("a graph alone, ms by rows", lambda found: str(found["replay_ms_by_rows"]))
    return table


def _told(value: float | None) -> str:
    return "—" if value is None else f"{value:,}"
