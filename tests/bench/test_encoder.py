"""The encoder's arithmetic as it is stated, and that of the network as it runs."""

from __future__ import annotations

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from ecgstream.bench import encoder
from ecgstream.bench.encoder import flops_per_hop, measure_encoder
from ecgstream.diagnosis.loader import load_model
from ecgstream.models.encoder import HOP_TOKENS, Encoder, EncoderShape
from ecgstream.models.streaming import StreamingEncoder
from ecgstream.waveform import N_LEADS

SHAPE = EncoderShape(n_scores=40)


def test_products_of_weights_are_counted_as_pytorch_counts_them():
    """PyTorch counts what is executed: all slots, and the state space as maps over 25 tokens."""
    streaming = StreamingEncoder(Encoder(SHAPE).eval(), torch.ones(40), torch.zeros(40), torch.zeros(5)).eval()
    streaming.prepare()
    samples, state = torch.zeros(2, 2 * N_LEADS, 5 * 25), torch.zeros(2, streaming.n_state)
    samples[:, N_LEADS:] = 1.0
    with torch.no_grad(), FlopCounterMode(display=False) as counted:
        streaming(samples, state)
    fast = _as_maps(SHAPE.width, SHAPE.modes, 25) * SHAPE.depth * HOP_TOKENS
    slow = _as_maps(SHAPE.slow_width, SHAPE.slow_modes, 5) * SHAPE.slow_depth
    assert counted.get_total_flops() / (2 * 5) == pytest.approx(flops_per_hop(SHAPE, N_LEADS) + fast + slow, rel=0.03)


def _as_maps(width: int, modes: int, length: int) -> float:
    """What a token of a block's state space costs more as a map over ``length`` tokens than as a recurrence."""
    return width * (2 * (2 * modes + length) ** 2 / length - (12 * modes + 2))


def test_figures_fit_together(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(encoder, "REPEATS", 1)
    for batches in ("HOP_BATCHES", "CHUNK_BATCHES", "WINDOW_BATCHES"):
        monkeypatch.setattr(encoder, batches, (4,))
    result = measure_encoder(load_model(None, "cpu"))
    assert result["incremental_ratio"] > 1
    assert 0 < result["roofline_fraction"] < 1
    reached = result["hops_per_s"] * result["flops_per_hop"]
    rounding = 0.5 * result["flops_per_hop"]  # hops a second are told as a whole number
    assert result["reached_flop_per_s"] == pytest.approx(reached, abs=1.01 * rounding)
    assert result["roofline_fraction"] == pytest.approx(reached / max(result["peak_flop_per_s"].values()), rel=1e-2)
