"""Cross-pattern attention over its visible keys against the dense masked form, forward and backward:
``python benchmarks/cropa.py --json cropa.json``. The two take turns; the best time of each counts."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import torch
import typer
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from ecgstream.models.ecg_jepa.cropa import cropa, visible

LEADS, TIMES = 8, 50
SHAPES = {"small": (32, 5, 32), "middle": (16, 12, 32), "as published": (8, 16, 48)}
"""Records, heads, and channels of a head; the last are those of Kim 2024 (width 768, 16 heads)."""
TURNS = 8


def main(json_file: Annotated[Path | None, typer.Option("--json")] = None) -> None:
    """Print times and their ratio for every shape and device; write them as JSON."""
    devices = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    rows = [compared(name, device) for device in devices for name in SHAPES]
    for row in rows:
        print(
            f"{row['device']:5} {row['shape']:13} forward + backward: "
            f"visible {row['visible_ms'][0]:6.1f} + {row['visible_ms'][1]:6.1f} ms, "
            f"dense {row['dense_ms'][0]:6.1f} + {row['dense_ms'][1]:6.1f} ms: "
            f"x{row['ratio']:.2f}, largest difference {row['difference']:.1e}"
        )
    if json_file:
        json_file.write_text(json.dumps({"threads": torch.get_num_threads(), "rows": rows}, indent=1) + "\n")


def compared(name: str, device: str) -> dict:
    """Times of both forms at one shape."""
    batch, heads, width = SHAPES[name]
    present = torch.ones(batch, LEADS, dtype=torch.bool, device=device)
    mask = visible(present[:1], TIMES)

    def dense(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return scaled_dot_product_attention(q, k, v, attn_mask=mask)

    def sparse(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return cropa(*(each.unflatten(2, (LEADS, TIMES)) for each in (q, k, v)), present).flatten(2, 3)

    torch.manual_seed(1)
    tokens = torch.randn(4, batch, LEADS * TIMES, heads, width, device=device)
    *qkv, grad = (each.transpose(1, 2) for each in tokens)  # as a linear map of tokens leaves them
    found = {form: (once(form, qkv, grad), [1e9, 1e9]) for form in (dense, sparse)}
    for _ in range(TURNS):
        for form, (_, best) in found.items():
            best[:] = map(min, best, once(form, qkv, grad)[1])
    (expected, dense_ms), (results, visible_ms) = ((out[0], best) for out, best in found.values())
    return {
        "device": torch.cuda.get_device_name() if device == "cuda" else "cpu",
        "shape": name,
        "visible_ms": visible_ms,
        "dense_ms": dense_ms,
        "ratio": sum(dense_ms) / sum(visible_ms),
        "difference": max(float((a - b).abs().max()) for a, b in zip(results, expected, strict=True)),
    }


def once(form: Callable[..., Tensor], qkv: list[Tensor], grad: Tensor) -> tuple[list[Tensor], list[float]]:
    """Output and gradients, and the milliseconds of forward and backward."""
    q, k, v = (each.detach().requires_grad_() for each in qkv)
    began = _now()
    out = form(q, k, v)
    between = _now()
    gradients = torch.autograd.grad(out, (q, k, v), grad)
    ended = _now()
    return [out.detach(), *gradients], [1e3 * (between - began), 1e3 * (ended - between)]


def _now() -> float:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


if __name__ == "__main__":
    typer.run(main)
