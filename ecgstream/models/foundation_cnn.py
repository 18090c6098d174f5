"""One convolutional trunk for every diagnosis: a residual network in one dimension (He et al. 2016; the stem, the order
of a block and the pooled shortcut of He et al. 2019), pooled by mean and maximum over time.

Its idea is that of one supervised network whose trunk serves further diagnoses (Hu, Barrios & Tison 2025).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..labelled import N_LEADS
from .trunk import Trunk, without_absent


class FoundationCnn(Trunk):
    """Tokens are at 250 Hz divided by twice the stem's step and by two for each further stage."""

    def __init__(
        self,
        widths: Sequence[int] = (48, 64, 96, 128),
        depth: int = 2,
        kernel: int = 7,
        stem_kernel: int = 21,
        stem_step: int = 3,
        drop: float = 0.1,
    ):
        super().__init__()
        self.width = 2 * widths[-1]
        first = widths[0]
        self.stem = nn.Sequential(
            _convolution(N_LEADS, first, stem_kernel, stem_step),
            nn.BatchNorm1d(first),
            nn.ReLU(),
            _convolution(first, first, kernel, 2),
        )
        before = [first, *widths[:-1]]
        self.blocks = nn.ModuleList(
            Block(narrow if place == 0 else wide, wide, kernel, 2 if place == 0 and stage else 1, drop)
            for stage, (narrow, wide) in enumerate(zip(before, widths, strict=True))
            for place in range(depth)
        )
        self.last = nn.BatchNorm1d(widths[-1])

    def forward(self, mv: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        """As in ``Trunk``."""
        tokens = self.stem(without_absent(mv, present))
        for block in self.blocks:
            tokens = block(tokens)
        tokens = functional.relu(self.last(tokens))
        return torch.cat((tokens.mean(2), tokens.amax(2)), 1), tokens.transpose(1, 2)


class Block(nn.Module):
    """Two convolutions behind their norms (He et al. 2016b) with squeeze and excitation (Hu et al. 2018)."""

    def __init__(self, narrow: int, wide: int, kernel: int, step: int, drop: float):
        super().__init__()
        self.path = nn.Sequential(
            nn.BatchNorm1d(narrow),
            nn.ReLU(),
            _convolution(narrow, wide, kernel, step),
            nn.BatchNorm1d(wide),
            nn.ReLU(),
            nn.Dropout(drop),
            _convolution(wide, wide, kernel, 1),
        )
        self.gate = nn.Sequential(nn.Linear(wide, wide // 8), nn.ReLU(), nn.Linear(wide // 8, wide), nn.Sigmoid())
        pooled: list[nn.Module] = [nn.AvgPool1d(step, ceil_mode=True)] if step > 1 else []
        mixed: list[nn.Module] = [nn.Conv1d(narrow, wide, 1, bias=False)] if narrow != wide else []
        self.shortcut = nn.Sequential(*pooled, *mixed)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, narrow, T) to (B, wide, T / step)."""
        changed = self.path(tokens)
        return self.shortcut(tokens) + changed * self.gate(changed.mean(2))[:, :, None]


def _convolution(narrow: int, wide: int, kernel: int, step: int) -> nn.Conv1d:
    return nn.Conv1d(narrow, wide, kernel, step, padding=kernel // 2, bias=False)
