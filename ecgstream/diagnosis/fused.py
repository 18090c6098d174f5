"""The compiled encoder (``ecgstream.fused``) over the weights of a shipped one: for a CPU, in fp32."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cache, lru_cache
from itertools import pairwise

import numpy as np
import structlog
import torch

from ..fused.encoder import advance
from ..fused.sizes import (
    FILTERS,
    HEADS,
    HISTORY,
    HOP_INPUTS,
    HOP_TOKENS,
    KERNEL,
    LANES,
    MODES,
    MOST_HOPS,
    N_BEAT,
    N_LEADS,
    PANEL,
    POOL_HOPS,
    SLOW_MODES,
)
from ..fused.stem import leads_heard
from .model import AGREEMENT

LEAST_ROWS = 8
"""Rows for which another thread is worth its while."""

log = structlog.get_logger()


def fused(scripted: torch.jit.ScriptModule) -> FusedEncoder | None:
    """The compiled form of a loaded encoder that is prepared and not yet frozen; None where it is of other sizes, or
    the two do not say the same."""
    try:
        encoder = FusedEncoder(scripted)
    except (AttributeError, KeyError, ValueError):
        return None
    if _agree(encoder, scripted):
        return encoder
    log.warning("the compiled encoder does not say what its TorchScript says, which serves instead")
    return None


class FusedEncoder:
    """``(samples, state) -> (scores, state)`` as ``StreamingEncoder``; ``advance`` takes rows of more beds' state."""

    def __init__(self, scripted: torch.jit.ScriptModule):
        """Lay out the weights. AttributeError, KeyError or ValueError where the encoder is of another make."""
        weights = {name: value.detach().double().numpy() for name, value in scripted.state_dict().items()}
        _check(weights, scripted)
        self.n_state = int(scripted.n_state)
        self._weights = weights
        self._stem = lru_cache(16)(self._lay_stem)
        scale, shift = weights["score_scale"], weights["score_shift"]
        self._n_out = len(scale) + HOP_TOKENS * N_BEAT
        pool = [
            np.concatenate([weights[f"encoder.pool_{part}.{name}"] for part in ("values", "logits")])
            for name in ("weight", "bias")
        ]
        score, beat = _of(weights, "encoder.score_head"), _of(weights, "encoder.beat_head")
        self._others = (
            _lay_blocks(scripted.encoder.blocks, weights, "encoder.blocks"),
            _lay_blocks(scripted.encoder.slow_blocks, weights, "encoder.slow_blocks"),
            _lay(*_of(weights, "encoder.gather")),
            _lay(*pool),
            _lay(score[0] * scale[:, None], score[1] * scale + shift),
            _lay(beat[0], beat[1] + np.append(weights["beat_shift"], 0.0)),
        )

    def __call__(self, samples: torch.Tensor, state: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """As ``StreamingEncoder.forward``."""
        return torch.from_numpy(self.advance(samples.numpy(), state.numpy(), np.arange(len(samples)))), state

    def advance(self, samples: np.ndarray, state: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Advance ``rows`` (B,), no two alike, of ``state`` (R, n_state) in place by ``samples`` (B, 32, 25 n), n >= 1.

        Returns (B, n, S + 30). In as many threads as PyTorch is given. ValueError where arrays do not fit, which the
        kernels do not look at.
        """
        rows = np.ascontiguousarray(rows, np.int64)
        inside = not len(rows) or 0 <= rows.min() <= rows.max() < len(state)
        if not inside or state.shape[1] != self.n_state or samples.shape[:2] != (len(rows), 2 * N_LEADS):
            raise ValueError(f"rows of a state {state.shape} and samples {samples.shape} do not belong together")
        out = np.empty((len(rows), samples.shape[2] // HOP_INPUTS, self._n_out), np.float32)
        threads = max(1, min(torch.get_num_threads(), len(rows) // LEAST_ROWS))
        bounds = np.linspace(0, len(rows), threads + 1).astype(int)
        parts = [slice(start, stop) for start, stop in pairwise(bounds)]
        if threads == 1:
            self._advance(samples, state, rows, out)
        else:
            list(_pool(threads).map(lambda part: self._advance(samples[part], state, rows[part], out[part]), parts))
        return out

    def _advance(self, samples: np.ndarray, state: np.ndarray, rows: np.ndarray, out: np.ndarray) -> None:
        for first in range(0, out.shape[1], MOST_HOPS):
            hops = slice(first, first + MOST_HOPS)
            some = np.ascontiguousarray(samples[:, :, first * HOP_INPUTS : hops.stop * HOP_INPUTS], np.float32)
            heard = leads_heard(some, state, rows)
            told = np.empty_like(out[:, hops], order="C")
            advance(some, state, rows, heard, (self._stem(tuple(heard)), *self._others), told)
            out[:, hops] = told

    def _lay_stem(self, heard: tuple[int, ...]) -> tuple[np.ndarray, ...]:
        """The bank, and the mixing of the leads ``heard``: a lead's filters together, then how much of it is there."""
        weight, bias = _of(self._weights, "encoder.stem.mix")
        by_lead = weight.reshape(len(weight), FILTERS + 1, N_LEADS)[:, :, list(heard)]
        features = by_lead[:, :-1].transpose(0, 2, 1).reshape(len(weight), len(heard) * FILTERS)
        bank, bank_bias = _of(self._weights, "encoder.stem.bank")
        return _f32(bank.T), _f32(bank_bias), *_lay(np.concatenate((features, by_lead[:, -1]), 1), bias)


def _agree(encoder: FusedEncoder, scripted: torch.jit.ScriptModule) -> bool:
    """Whether both say the same of two seconds of noise, one after the other, of beds with and without some leads."""
    draw = torch.Generator().manual_seed(0)
    states = [torch.zeros(2, scripted.n_state) for _ in range(2)]
    alike = True
    for _ in range(2):
        samples = torch.randn((2, 2 * N_LEADS, 5 * HOP_INPUTS), generator=draw)
        samples[:, N_LEADS:] = 1.0
        samples[1, 3:N_LEADS] = samples[1, N_LEADS + 3 :] = 0.0
        with torch.no_grad():
            wanted = scripted(samples, states[0])[0]
        alike &= torch.allclose(encoder(samples, states[1])[0], wanted, atol=AGREEMENT, rtol=0)
    return alike and torch.allclose(*states, atol=10 * AGREEMENT, rtol=AGREEMENT)


def _check(weights: dict[str, np.ndarray], scripted: torch.jit.ScriptModule) -> None:
    """ValueError where the kernels are not made for an encoder of these sizes: they would write beside their arrays."""
    width, slow_width = len(weights["encoder.stem.mix.bias"]), len(weights["encoder.gather.bias"])
    pool_width, n_scores = len(weights["encoder.pool_values.bias"]), len(weights["score_scale"])
    wanted = {
        "stem.bank.weight": (FILTERS, KERNEL),
        "stem.mix.weight": (width, (FILTERS + 1) * N_LEADS),
        "beat_head.weight": (N_BEAT, width),
        "gather.weight": (slow_width, HOP_TOKENS * width),
        "pool_logits.weight": (HEADS, slow_width),
        "pool_values.weight": (pool_width, slow_width),
        "score_head.weight": (n_scores, pool_width + slow_width),
    }
    n_state = 2 * N_LEADS * HISTORY + (POOL_HOPS - 1) * (pool_width + HEADS)
    for name, wide, modes in (("blocks", width, MODES), ("slow_blocks", slow_width, SLOW_MODES)):
        for k in range(len(_names(getattr(scripted.encoder, name)))):
            wanted |= {f"{name}.{k}.space.turn": (wide, modes), f"{name}.{k}.mix.weight": (2 * wide, wide)}
            n_state += 2 * wide * modes
    alike = all(weights[f"encoder.{name}"].shape == shape for name, shape in wanted.items())
    if not alike or width % PANEL or slow_width % PANEL or pool_width % HEADS or scripted.n_state != n_state:
        raise ValueError("the kernels are made for an encoder of other sizes")


def _names(blocks: torch.nn.Module) -> list[str]:
    return [name for name, _ in blocks.named_children()]


def _of(weights: dict[str, np.ndarray], name: str) -> tuple[np.ndarray, np.ndarray]:
    return weights[f"{name}.weight"], weights[f"{name}.bias"]


def _f32(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values, np.float32)


def _lay(weight: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weight (out, in) in panels (P, in, PANEL), and its bias; both padded with zeros."""
    n_out, n_in = weight.shape
    panels = -(-n_out // PANEL)
    padded = np.pad(weight, ((0, panels * PANEL - n_out), (0, 0)))
    return _f32(padded.reshape(panels, PANEL, n_in).transpose(0, 2, 1)), _f32(np.pad(bias, (0, len(padded) - n_out)))


def _lay_gated(weight: np.ndarray) -> np.ndarray:
    """Weight (2 D, D) in panels (P, D, PANEL), each of LANES values and their gates."""
    width = weight.shape[1]
    pairs = weight.reshape(2, width // LANES, LANES, width)
    return _f32(pairs.transpose(1, 3, 0, 2).reshape(width // LANES, width, PANEL))


def _lay_blocks(blocks: torch.nn.Module, weights: dict[str, np.ndarray], prefix: str) -> tuple[np.ndarray, ...]:
    """Of every block: maps, direct and gain as ``fused.vectors.scan`` takes them, and its product's panels."""
    spaces = [getattr(blocks, name).space.matrix(1).detach().double().numpy() for name in _names(blocks)]
    laid = [_lay_space(matrix) for matrix in spaces]
    panels = [_lay_gated(weights[f"{prefix}.{name}.mix.weight"]) for name in _names(blocks)]
    return *(_f32(np.stack(part)) for part in zip(*laid, strict=True)), np.stack(panels)


def _lay_space(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of ``StateSpace.matrix(1)`` (D, 2 modes + 1, 2 modes + 1): modes turn, are seen, and take the input by a gain."""
    modes = matrix.shape[1] // 2
    each = np.arange(modes)
    keep, turn, gain = matrix[:, each, each].T, matrix[:, each, modes + each].T, matrix[:, -1, :modes].T
    seen = matrix[:, :-1, -1].T
    maps = np.stack((keep, turn, seen[:modes] * gain, seen[modes:] * gain), 1).reshape(4 * modes, -1)
    return maps, matrix[:, -1, -1], np.stack((gain, 1 / gain))


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads)
