"""The causal streaming encoder: 16 lead slots at 125 Hz to beat classes 25 times, and scores 5 times, a second.

    samples ─ stem (one filter bank for every lead, leads mixed by weight) ─ blocks (state space, gated mixing) ─ tokens
    tokens ─ beat head, 25 Hz
    tokens ─ pooled by bounded attention over the last 10 s, with the hop's last token ─ score head, 5 Hz

Every part is causal and takes no statistics over time, so a state carried from hop to hop gives, to rounding, what a
run over the whole record gives. Channels come first everywhere, (D, B, T): a mixing of channels is then one matrix
product over all beds and tokens, and the state space takes its input as it lies.
"""

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..waveform import GRID_HZ, HOP_SAMPLES, N_LEADS
from .dropout import Dropout
from .state_space import StateSpace, advance, in_parts

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
    width: int = 208
    depth: int = 4
    modes: int = 8
    filters: int = 24
    pool_heads: int = 8
    kernel: int = 20


class Mix(nn.Linear):
    """A linear map over the first dimension: (in, …) to (out, …)."""

    def forward(self, channels: Tensor) -> Tensor:
        """One matrix product over everything behind the first dimension, in the precision of the weight."""
        flat = channels.flatten(1)
        if self.weight.dtype != flat.dtype:
            mixed = torch.mm(self.weight, flat.to(self.weight.dtype)).to(flat.dtype)
            mixed = mixed if self.bias is None else mixed + self.bias[:, None]
        elif self.bias is None:
            mixed = torch.mm(self.weight, flat)
        else:
            mixed = torch.addmm(self.bias[:, None], self.weight, flat)
        return mixed.unflatten(1, channels.shape[1:])


def norm(channels: Tensor) -> Tensor:
    """Root-mean-square norm of each token of (D, B, T) (Zhang & Sennrich, 2019); what follows has the gains."""
    return channels * torch.rsqrt((channels * channels).mean(0) + 1e-5)


class Stem(nn.Module):
    """One bank of filters for every lead (so that a generic slot needs few examples), then leads mixed by weight."""

    leads: Final[int] = N_LEADS
    step: Final[int] = TOKEN_INPUTS
    largest_mv: Final[float] = LARGEST_MV

    def __init__(self, shape: EncoderShape):
        super().__init__()
        self.kernel = shape.kernel
        self.history = shape.kernel - TOKEN_INPUTS
        self.bank = Mix(shape.kernel, shape.filters)
        self.mix = Mix((shape.filters + 1) * N_LEADS, shape.width)

    def forward(self, samples: Tensor) -> Tensor:
        """``samples`` (B, 32, history + 5 T) to tokens (width, B, T). Leads that are not valid contribute nothing."""
        valid = samples[:, self.leads :]
        heard = (valid.amax(2).amax(0) > 0).nonzero()[:, 0]  # no arithmetic for leads that no bed has
        mv = samples[:, : self.leads].clamp(-self.largest_mv, self.largest_mv)[:, heard]
        present = valid[:, heard].unfold(2, self.kernel, self.step).mean(3).permute(1, 0, 2)  # (leads, B, T)
        patches = mv.unfold(2, self.kernel, self.step).permute(3, 1, 0, 2)  # (kernel, leads, B, T)
        features = functional.gelu(self.bank(patches)) * present
        # Inputs first, so that those of a lead lie together; folded into a constant when the model is frozen.
        weight = self.mix.weight.t().contiguous().unflatten(0, (-1, self.leads)).index_select(1, heard)
        mixed = torch.addmm(self.mix.bias[:, None], weight[-1].t(), present.flatten(1))
        mixed = torch.addmm(mixed, weight[:-1].flatten(0, 1).t(), features.flatten(0, 1).flatten(1))
        return mixed.unflatten(1, present.shape[1:])


class Block(nn.Module):
    """Mix over time by a state space, then over channels by a gated product; added to what came in."""

    def __init__(self, shape: EncoderShape, dropout: float):
        super().__init__()
        self.space = StateSpace(shape.width, shape.modes, LONGEST_TAU_S * TOKEN_HZ)
        self.mix = Mix(shape.width, 2 * shape.width, bias=False)
        self.dropout = Dropout(dropout)

    def forward(self, tokens: Tensor, maps: list[Tensor], x: Tensor) -> tuple[Tensor, Tensor]:
        """``tokens`` (width, B, T), ``maps`` of ``self.space``, ``x`` (width, B, 2 modes)."""
        over_time, x = advance(maps, norm(tokens), x)
        return tokens + self.dropout(functional.glu(self.mix(functional.gelu(over_time)), 0)), x


class Encoder(nn.Module):
    """Stem, blocks and heads. ``forward`` gives logits; ``StreamingEncoder`` makes probabilities of them."""

    hop_tokens: Final[int] = HOP_TOKENS
    pool_hops: Final[int] = POOL_HOPS
    logit_limit: Final[float] = POOL_LOGIT_LIMIT

    def __init__(self, shape: EncoderShape, dropout: float = 0.0):
        super().__init__()
        self.shape = shape
        self.width, self.heads, self.n_space = shape.width, shape.pool_heads, 2 * shape.modes
        self.stem = Stem(shape)
        self.blocks = nn.ModuleList(Block(shape, dropout) for _ in range(shape.depth))
        self.beat_head = Mix(shape.width, N_BEAT)
        self.pool_logits = Mix(shape.width, shape.pool_heads)
        self.pool_values = Mix(shape.width, shape.width)
        self.dropout = Dropout(2 * dropout)
        self.score_head = Mix(2 * shape.width, shape.n_scores)

    def maps(self, length: int) -> list[list[Tensor]]:
        """Every block's state-space map over ``length`` tokens, as ``advance`` takes it."""
        return [in_parts(block.space.matrix(length), self.n_space) for block in self.blocks]

    def forward(
        self, samples: Tensor, maps: list[list[Tensor]], x: list[Tensor], ring: Tensor
    ) -> tuple[Tensor, Tensor, list[Tensor], Tensor]:
        """Logits of scores (n_scores, B, n) and of beats (6, B, 5 n), and what ``features`` gives of the state."""
        hops, tokens, x, sums = self.features(samples, maps, x, ring)
        return self.score_head(self.dropout(hops)), self.beat_head(self.dropout(tokens)), x, sums

    def features(
        self, samples: Tensor, maps: list[list[Tensor]], x: list[Tensor], ring: Tensor
    ) -> tuple[Tensor, Tensor, list[Tensor], Tensor]:
        """What the heads see: hops (2 width, B, n) and tokens (width, B, 5 n); the blocks' states after; and the
        hops' sums (B, width + heads, n), which ``ring`` (B, width + heads, POOL_HOPS - 1) is to take up.

        ``samples`` (B, 32, history + 25 n) with the stem's history in front, ``x`` (width, B, 2N) per block.
        """
        tokens = self.stem(samples)
        after = []
        for index, block in enumerate(self.blocks):
            tokens, state = block(tokens, maps[index], x[index])
            after.append(state)
        tokens = norm(tokens)
        pooled, sums = self.pool(tokens, ring)
        last = tokens[:, :, self.hop_tokens - 1 :: self.hop_tokens]
        return torch.cat((pooled, last)), tokens, after, sums

    def pool(self, tokens: Tensor, ring: Tensor) -> tuple[Tensor, Tensor]:
        """Attention over the last 10 s at each hop: logits are bounded, so sums per hop can be kept and added up."""
        logits = self.logit_limit * torch.tanh(self.pool_logits(tokens) / self.logit_limit)
        weights = torch.exp(logits).unflatten(2, (-1, self.hop_tokens))  # (heads, B, n, 5)
        values = self.pool_values(tokens).unflatten(2, (-1, self.hop_tokens))
        weighted = values.unflatten(0, (self.heads, self.width // self.heads)) * weights[:, None]
        sums = torch.cat((weighted.flatten(0, 1).sum(3), weights.sum(3))).transpose(0, 1)
        window = self.windows(ring, sums).transpose(0, 1)
        total = window[: self.width].unflatten(0, (self.heads, self.width // self.heads))
        return (total / window[self.width :, None]).flatten(0, 1), sums

    def windows(self, ring: Tensor, sums: Tensor) -> Tensor:
        """Sums (B, width + heads, n) over the last POOL_HOPS hops, at each of the hops that ``sums`` brings."""
        hops = sums.shape[2]
        if hops >= self.pool_hops:
            ones = sums.new_ones((self.pool_hops - 1 + hops, hops))  # where a hop lies in the window of which
            return torch.cat((ring, sums), 2) @ ones.tril().triu(1 - self.pool_hops)
        leaving = ring[:, :, :hops].flip(2).cumsum(2).flip(2)  # nothing is subtracted: no digits are lost
        return ring[:, :, hops:].sum(2, keepdim=True) + leaving + sums.cumsum(2)
