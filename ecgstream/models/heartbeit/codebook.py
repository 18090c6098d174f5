"""The words: vectors that others are replaced by, moved after what they replace.

Source: van den Oord, Vinyals, Kavukcuoglu, "Neural Discrete Representation Learning" (2017), with moving averages;
words that are not used (at first: all) begin anew at what is there (Dhariwal et al., "Jukebox", 2020), more likely the
further it is from its word (Arthur and Vassilvitskii, "k-means++", 2007): drawn evenly, most words would stand for the
line between the waves.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

KEEP = 0.99
LEAST_USE = 0.05
"""Against that of a word used as often as any other: below it a word begins anew."""


class Codebook(nn.Module):
    """``words`` vectors of ``width``; all of its state is in buffers, as no gradient moves it."""

    def __init__(self, words: int, width: int, keep: float = KEEP):
        super().__init__()
        self.keep = keep
        self.register_buffer("codes", torch.randn(words, width))
        self.register_buffer("use", torch.zeros(words))
        self.register_buffer("sums", torch.zeros_like(self.codes))

    def nearest(self, vectors: Tensor) -> Tensor:
        """Index (N,) of the nearest code to each of ``vectors`` (N, width)."""
        return (self.codes.square().sum(1) - 2 * vectors @ self.codes.T).argmin(1)

    def forward(self, vectors: Tensor) -> tuple[Tensor, Tensor]:
        """Codes in place of ``vectors`` (N, width), through which gradients pass as if nothing had happened, and their
        indices (N,). In training the codes move."""
        index = self.nearest(vectors)
        codes = self.codes[index]
        if self.training:
            self._move(vectors.detach(), index)
        return vectors + (codes - vectors).detach(), index

    def _move(self, vectors: Tensor, index: Tensor) -> None:
        """Each code towards the mean of what it replaced; those without use to one of the vectors, by torch's seed."""
        away = (vectors - self.codes[index]).square().sum(1)
        count = torch.bincount(index, minlength=len(self.codes)).to(vectors.dtype)
        total = torch.zeros_like(self.sums).index_add_(0, index, vectors)
        self.use.lerp_(count, 1 - self.keep)
        self.sums.lerp_(total, 1 - self.keep)
        idle = torch.nonzero(self.use < LEAST_USE * self.use.mean())[:, 0]
        if len(idle):
            fresh = vectors[torch.multinomial(away + 1e-9, len(idle), replacement=len(idle) > len(vectors))]
            self.sums[idle], self.use[idle] = fresh * self.use.mean(), self.use.mean()
        self.codes.copy_(self.sums / self.use[:, None])


def perplexity(index: Tensor, words: int) -> float:
    """How many words equally often used would be as hard to guess as these (N,): 1 to ``words``."""
    share = torch.bincount(index, minlength=words) / len(index)
    return float(torch.exp(-torch.special.xlogy(share, share).sum()))
