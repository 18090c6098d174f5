"""The causal streaming encoder: 16 lead slots at 125 Hz to beat classes 25 times, and scores 5 times, a second.

    samples ─ stem (one filter bank for every lead, leads mixed by weight) ─ blocks (state space, gated mixing) ─ tokens
    tokens ─ beat head, 25 Hz
    tokens ─ pooled by bounded attention over the last 10 s, with the hop's last token ─ score head, 5 Hz

Every part is causal and takes no statistics over time, so a state carried from hop to hop gives, to rounding, what a
run over the whole record gives.
"""

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..waveform import GRID_HZ, HOP_SAMPLES, N_LEADS
from .state_space import StateSpace, advance

INPUT_HZ = 125
GRID_STEP = GRID_HZ // INPUT_HZ
HOP_INPUTS = HOP_SAMPLES // GRID_STEP
HOP_TOKENS = 5
TOKEN_INPUTS = HOP_INPUTS // HOP_TOKENS
TOKEN_HZ = INPUT_HZ // TOKEN_INPUTS
BEAT_CLASSES = ("N", "S", "V", "F", "Q", "none")
N_BEAT = len(BEAT_CLASSES)
LARGEST_MV = 8.0
POOL_HOPS = 50
POOL_LOGIT_LIMIT = 4.0
LONGEST_TAU_S = 3.0


@dataclass(frozen=True)
class EncoderShape:
    """Sizes that determine the encoder's weights."""

    n_scores: int
    width: int = 176
    depth: int = 6
    modes: int = 8
    filters: int = 32
    pool_heads: int = 8
    kernel: int = 20


class Stem(nn.Module):
    """One bank of filters for every lead (so that a generic slot needs few examples), then leads mixed by weight."""

    leads: Final[int] = N_LEADS
    step: Final[int] = TOKEN_INPUTS
    largest_mv: Final[float] = LARGEST_MV

    def __init__(self, shape: EncoderShape):
        super().__init__()
        self.kernel = shape.kernel
        self.history = shape.kernel - TOKEN_INPUTS
        self.bank = nn.Linear(shape.kernel, shape.filters)
        self.mix = nn.Linear(N_LEADS * (shape.filters + 1), shape.width)

    def forward(self, samples: Tensor) -> Tensor:
        """``samples`` (B, 32, history + 5 T) to tokens (B, T, width). Leads that are not valid contribute nothing."""
        patches = samples.unfold(2, self.kernel, self.step)  # (B, 32, T, kernel)
        present = patches[:, self.leads :].mean(3)  # (B, 16, T)
        mv = patches[:, : self.leads].clamp(-self.largest_mv, self.largest_mv)
        features = functional.gelu(self.bank(mv)) * present[:, :, :, None]
        features = torch.cat((features, present[:, :, :, None]), 3)  # (B, 16, T, filters + 1)
        return self.mix(features.permute(0, 2, 1, 3).flatten(2))


class Block(nn.Module):
    """Mix over time by a state space, then over channels by a gated product; added to what came in."""

    def __init__(self, shape: EncoderShape, dropout: float):
        super().__init__()
        self.norm = nn.LayerNorm(shape.width)
        self.space = StateSpace(shape.width, shape.modes, LONGEST_TAU_S * TOKEN_HZ)
        self.mix = nn.Linear(shape.width, 2 * shape.width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Tensor, matrix: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        """``tokens`` (B, T, width), ``matrix`` from ``self.space``, ``x`` (B, width, 2 modes)."""
        mixed, x = advance(matrix, self.norm(tokens).to(x.dtype), x)
        gated = functional.glu(self.mix(functional.gelu(mixed)), 2)
        return tokens + self.dropout(gated), x


class Encoder(nn.Module):
    """Stem, blocks and heads. ``forward`` gives logits; ``StreamingEncoder`` makes probabilities of them."""

    hop_tokens: Final[int] = HOP_TOKENS
    logit_limit: Final[float] = POOL_LOGIT_LIMIT

    def __init__(self, shape: EncoderShape, dropout: float = 0.0):
        super().__init__()
        self.shape = shape
        self.width, self.modes, self.heads = shape.width, shape.modes, shape.pool_heads
        self.stem = Stem(shape)
        self.blocks = nn.ModuleList(Block(shape, dropout) for _ in range(shape.depth))
        self.norm = nn.LayerNorm(shape.width)
        self.beat_head = nn.Linear(shape.width, N_BEAT)
        self.pool_logits = nn.Linear(shape.width, shape.pool_heads)
        self.pool_values = nn.Linear(shape.width, shape.width)
        self.dropout = nn.Dropout(2 * dropout)
        self.score_head = nn.Linear(2 * shape.width, shape.n_scores)

    def matrices(self, length: int) -> list[Tensor]:
        """Every block's state-space map over ``length`` tokens: (D, 2N + L, 2N + L) each."""
        return [block.space.matrix(length) for block in self.blocks]

    def forward(
        self, samples: Tensor, matrices: list[Tensor], x: list[Tensor], ring: Tensor
    ) -> tuple[Tensor, Tensor, list[Tensor], Tensor]:
        """Logits of scores (B, n, n_scores) and of beats (B, 5 n, 6), and the state as ``features`` takes it."""
        hops, tokens, x, ring = self.features(samples, matrices, x, ring)
        return self.score_head(self.dropout(hops)), self.beat_head(self.dropout(tokens)), x, ring

    def features(
        self, samples: Tensor, matrices: list[Tensor], x: list[Tensor], ring: Tensor
    ) -> tuple[Tensor, Tensor, list[Tensor], Tensor]:
        """What the heads see: hops (B, n, 2 D) and tokens (B, 5 n, D), and the state after.

        ``samples`` (B, 32, history + 25 n) with the stem's history in front, ``x`` (B, D, 2N) per block, ``ring``
        (B, POOL_HOPS - 1, D + heads).
        """
        tokens = self.stem(samples)
        after = []
        for index, block in enumerate(self.blocks):
            tokens, state = block(tokens, matrices[index], x[index])
            after.append(state)
        tokens = self.norm(tokens)
        pooled, ring = self.pool(tokens, ring)
        last = tokens[:, self.hop_tokens - 1 :: self.hop_tokens]
        return torch.cat((pooled, last), 2), tokens, after, ring

    def pool(self, tokens: Tensor, ring: Tensor) -> tuple[Tensor, Tensor]:
        """Attention over the last 10 s at each hop: logits are bounded, so sums per hop can be kept and added up."""
        hops = tokens.shape[1] // self.hop_tokens
        logits = self.logit_limit * torch.tanh(self.pool_logits(tokens) / self.logit_limit)
        weights = torch.exp(logits.float())  # (B, T, heads)
        values = self.pool_values(tokens).float().unflatten(2, (self.heads, self.width // self.heads))
        weighted = (values * weights[:, :, :, None]).flatten(2)
        sums = torch.cat((weighted, weights), 2).unflatten(1, (hops, self.hop_tokens)).sum(2)
        kept = torch.cat((ring, sums), 1)
        window = kept.unfold(1, ring.shape[1] + 1, 1).sum(3)  # (B, hops, D + heads)
        total = window[:, :, : self.width].unflatten(2, (self.heads, self.width // self.heads))
        pooled = total / window[:, :, self.width :, None]
        return pooled.flatten(2), kept[:, hops:]
