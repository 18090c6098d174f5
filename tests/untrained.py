"""Small encoders that have learnt nothing, as folders: quick, and each with opinions of its own."""

from __future__ import annotations

from pathlib import Path

import torch

from ecgstream.models.encoder import Encoder, EncoderShape
from ecgstream.models.export import export_model


def small_shape(n_scores: int) -> EncoderShape:
    """Sizes of an encoder that takes next to no time, no two of them alike."""
    return EncoderShape(
        n_scores, width=24, depth=2, modes=4, slow_width=32, slow_depth=3, slow_modes=2, pool_width=16, pool_heads=4,
        filters=8,
    )  # fmt: skip


def untrained_model(folder: Path, seed: int, names: tuple[str, ...], threshold: float = 0.5) -> Path:
    """Where it lies now; ``threshold`` is that of rhythm.vf."""
    torch.manual_seed(seed)
    encoder = Encoder(small_shape(len(names)))
    calibration = torch.full((2,), 3.0), torch.zeros(2), torch.zeros(5)
    export_model(encoder, calibration, folder, names, {"rhythm.vf": threshold}, "records.json")
    return folder
