"""Probes whose contributions can be worked out by hand."""

import numpy as np
import torch
from torch import Tensor

from ecgstream.explanations.window import Window
from ecgstream.waveform import GRID_HZ


class LinearProbe:
    """Score "sum": 1 + a weight a lead and sample; score "noise" is always sure."""

    names = ("sum", "noise")
    version = "linear@000000000000"

    def __init__(self, weights: np.ndarray):
        self.weights = torch.from_numpy(weights.astype(np.float32))

    def logits(self, slots: np.ndarray, mv: Tensor, valid: Tensor) -> Tensor:
        assert mv.shape == valid.shape and len(slots) == mv.shape[1]
        total = 1 + (self.weights * mv).sum((1, 2))
        return torch.stack((total, torch.full_like(total, 50.0)), 1)

    def looks_at(self, slots: np.ndarray, n_samples: int) -> tuple[Tensor, int]:
        return torch.arange(len(slots)), 0


def window(mv: np.ndarray, beats_s: tuple[float, ...] = ()) -> Window:
    return Window(
        name="made up", slots=np.arange(len(mv)), mv=mv.astype(np.float32), valid=np.ones(mv.shape, bool),
        start_s=0.0, delay_s=0.0, beats_s=np.array(beats_s),
    )  # fmt: skip


def two_leads(seconds: float = 2.0) -> np.ndarray:
    t = np.arange(round(seconds * GRID_HZ)) / GRID_HZ
    return np.stack((np.sin(7 * t), np.cos(5 * t)))
