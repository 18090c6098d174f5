"""200 ms of a lead to a word and back."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from .codebook import Codebook
from .patches import PATCH

COMMITMENT = 0.25
"""How much what is replaced is drawn to what replaces it, against the reconstruction (van den Oord et al. 2017)."""


class Tokenizer(nn.Module):
    """An autoencoder of patches (N, PATCH) in mV whose bottleneck is one word."""

    def __init__(self, words: int = 512, width: int = 16, hidden: int = 128):
        super().__init__()
        self.words = words
        self.encoder = nn.Sequential(nn.Linear(PATCH, hidden), nn.GELU(), nn.Linear(hidden, width))
        self.codebook = Codebook(words, width)
        self.decoder = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, PATCH))

    def forward(self, patches: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What the words say again (N, PATCH), the words (N,), and the loss of commitment."""
        vectors = self.encoder(patches)
        codes, index = self.codebook(vectors)
        return self.decoder(codes), index, COMMITMENT * mse_loss(vectors, self.codebook.codes[index])

    @torch.no_grad()
    def read(self, patches: Tensor) -> Tensor:
        """The words of ``patches`` (…, PATCH): int64 (…)."""
        return self.codebook.nearest(self.encoder(patches).flatten(0, -2)).unflatten(0, patches.shape[:-1])
