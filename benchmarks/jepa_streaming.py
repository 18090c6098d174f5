"""What a hop of the streaming ECG-JEPA costs: ``python benchmarks/jepa_streaming.py --json jepa.json``, with memories
full. Beside it: all of the last ten seconds computed anew at every hop, by the same weights."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import torch
import typer

from ecgstream.models.ecg_jepa.encoder import PATCH, EcgJepa
from ecgstream.models.ecg_jepa.streaming import StreamingJepa
from ecgstream.models.folder import load_network

STREAMS = (1, 16, 256)
WINDOW_HOPS = 50
MEASURED_S = 3.0
SETTINGS = {"dim": 64, "depth": 3, "heads": 2, "attention": "causal"}


def main(
    model: Annotated[Path | None, typer.Option(help="A causal model directory; else random weights.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json")] = None,
) -> None:
    """Print hops per second, a stream's state in bytes, and the ratio to recomputing."""
    trunk = load_network(model).trunk if model else EcgJepa(**SETTINGS)
    streaming = StreamingJepa(trunk.encoder)
    rows = [measured(streaming, trunk, streams) for streams in STREAMS]
    for row in rows:
        print(
            f"{row['streams']:4} streams: {row['hops_per_s']:8,.0f} hops/s, {row['windows_per_s']:6,.0f} windows/s "
            f"anew: x{row['ratio']:.1f}; state {row['state_bytes']:,} bytes a stream"
        )
    if json_file:
        json_file.write_text(json.dumps({"threads": torch.get_num_threads(), "rows": rows}, indent=1) + "\n")


def measured(streaming: StreamingJepa, trunk: EcgJepa, streams: int) -> dict:
    """Rates for this many streams at once."""
    torch.manual_seed(1)
    mv, present = torch.randn(streams, 8, WINDOW_HOPS * PATCH), torch.ones(streams, 8, dtype=torch.bool)
    state = streaming.begin(streams)
    for hop in mv.split(PATCH, 2):
        streaming.step(hop, present, state)
    hops = streams / median_s(lambda: streaming.step(mv[:, :, :PATCH], present, state))
    at_once = min(streams, 16)  # more do not fit the cache
    with torch.inference_mode():
        windows = at_once / median_s(lambda: trunk(mv[:at_once], present[:at_once]))
    arrays = (state.keys, state.values, state.valid, state.hop)
    return {
        "streams": streams,
        "hops_per_s": hops,
        "windows_per_s": windows,
        "ratio": hops / windows,
        "state_bytes": sum(each.nbytes for each in arrays) // streams,
    }


def median_s(call: Callable[[], object]) -> float:
    """Median time of a call, over MEASURED_S and at least five calls."""
    times, ends = [], time.perf_counter() + MEASURED_S
    while time.perf_counter() < ends or len(times) < 5:
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return sorted(times)[len(times) // 2]


if __name__ == "__main__":
    typer.run(main)
