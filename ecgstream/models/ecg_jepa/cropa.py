"""Cross-pattern attention (CroPA; Kim 2024, arXiv 2410.08559): a token attends to its own lead at any time, and to any
lead at its own time, and to nothing else: with 8 leads and 50 times to 57 tokens of 400.

Only those products are computed; ``visible`` states the same as a mask over all of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
import torch
from torch import Tensor


def cropa(q: Tensor, k: Tensor, v: Tensor, present: Tensor) -> Tensor:
    """Attention of ``q``, ``k``, ``v`` (B, H, L, T, d) over visible tokens, scaled by 1/sqrt(d); any L and T.

    ``present`` bool (B, L): a lead that is not present is attended by none, and its own tokens become 0. On the CPU in
    single precision by a compiled kernel (once differentiable), elsewhere by blocks; equal to rounding.
    """
    if q.device.type == "cpu" and q.dtype == torch.float32:
        return _Compiled.apply(q, k, v, present)
    return by_blocks(q, k, v, present)


def visible(present: Tensor, times: int) -> Tensor:
    """What ``cropa`` attends to, as a mask bool (B, 1, L T, L T) for ``scaled_dot_product_attention``: [query, key]."""
    leads = present.shape[1]
    lead = torch.arange(leads, device=present.device).repeat_interleave(times)
    time = torch.arange(times, device=present.device).repeat(leads)
    pattern = (lead[:, None] == lead) | (time[:, None] == time)
    return (pattern & present[:, None, lead])[:, None]


def by_blocks(q: Tensor, k: Tensor, v: Tensor, present: Tensor) -> Tensor:
    """``cropa`` by batched products: one softmax over each lead's own scores beside those across leads."""
    leads, times = q.shape[2:4]
    q = q / math.sqrt(q.shape[4])
    own = q @ k.transpose(3, 4)  # (B, H, L, T, T)
    across = q.transpose(2, 3) @ k.permute(0, 1, 3, 4, 2)  # (B, H, T, L, L)
    hidden = torch.eye(leads, dtype=torch.bool, device=q.device) | ~present[:, None, None, None, :]
    across = across.masked_fill(hidden, -torch.inf).transpose(2, 3)
    weights = torch.cat((own, across), 4).softmax(4)
    own, across = weights.split((times, leads), 4)
    seen = own @ v + (across.transpose(2, 3) @ v.transpose(2, 3)).transpose(2, 3)
    return seen.masked_fill(~present[:, None, :, None, None], 0.0)


class _Compiled(torch.autograd.Function):
    """The kernel, its records shared out among as many threads as torch uses."""

    @staticmethod
    def forward(context, q: Tensor, k: Tensor, v: Tensor, present: Tensor) -> Tensor:
        from . import cropa_kernel as kernel  # compiled when it is first needed

        # copied head by head first: rows of one head that lie far apart cost more than the copy
        q, k, v, present = (each.contiguous() for each in (q, k, v, present))
        out, log_sum = torch.empty_like(q), q.new_empty(q.shape[:4])
        arrays = [each.detach().numpy() for each in (q, k, v, present, out, log_sum)]
        _share(kernel.forward, arrays, np.float32(1 / math.sqrt(q.shape[4])))
        context.save_for_backward(q, k, v, present, out, log_sum)
        return out

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(context, grad: Tensor) -> tuple[Tensor | None, ...]:
        from . import cropa_kernel as kernel

        q = context.saved_tensors[0]
        grads = [torch.empty_like(q) for _ in range(3)]
        arrays = [each.detach().numpy() for each in (*context.saved_tensors, grad.contiguous(), *grads)]
        _share(kernel.backward, arrays, np.float32(1 / math.sqrt(q.shape[4])))
        return *grads, None


def _share(run: Callable[..., None], arrays: list[np.ndarray], scale: np.float32) -> None:
    """Call a kernel for slices of the records, a thread each; the scale comes behind q, k, v and present."""
    batch, threads = len(arrays[0]), torch.get_num_threads()
    bounds = np.linspace(0, batch, min(threads, batch) + 1).astype(int)
    slices = [slice(a, b) for a, b in zip(bounds[:-1], bounds[1:], strict=True)]

    def part(rows: slice) -> None:
        mine = [each[rows] for each in arrays]
        run(*mine[:4], scale, *mine[4:])

    if len(slices) == 1:
        part(slices[0])
    else:
        list(_pool(threads).map(part, slices))


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads)
