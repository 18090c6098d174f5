"""The causal streaming encoder: 16 lead slots at 125 Hz to beat classes 25 times, and scores 5 times, a second.

    samples ─ stem (one filter bank for every lead, leads mixed by weight) ─ blocks (state space, gated mixing) ─ tokens
    tokens ─ beat head, 25 Hz
    a hop's five tokens side by side ─ slow blocks ─ hops, 5 Hz
    hops ─ pooled by bounded attention over the last 10 s, with the hop itself ─ score head, 5 Hz

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
HOP_HZ = TOKEN_HZ // HOP_TOKENS
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
    width: int = 128  # of tokens
    depth: int = 3
    modes: int = 8
    slow_width: int = 192  # of hops
    slow_depth: int = 2
    slow_modes: int = 4
    pool_width: int = 128
    pool_heads: int = 8
    filters: int = 16
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
        heard = self.heard(valid)
        mv = samples[:, : self.leads].clamp(-self.largest_mv, self.largest_mv)[:, heard]
        present = valid[:, heard].unfold(2, self.kernel, self.step).mean(3).permute(1, 0, 2)  # (leads, B, T)
        patches = mv.unfold(2, self.kernel, self.step).permute(3, 1, 0, 2)  # (kernel, leads, B, T)
        features = functional.relu(self.bank(patches)) * present
        # Inputs first, so that those of a lead lie together; folded into a constant when the model is frozen.
        weight = self.mix.weight.t().contiguous().unflatten(0, (-1, self.leads)).index_select(1, heard)
        mixed = torch.addmm(self.mix.bias[:, None], weight[-1].t(), present.flatten(1))
        mixed = torch.addmm(mixed, weight[:-1].flatten(0, 1).t(), features.flatten(0, 1).flatten(1))
        return mixed.unflatten(1, present.shape[1:])

    def heard(self, valid: Tensor) -> Tensor:
        """Slots of the leads that some bed has, given ``valid`` (B, 16, samples): for others no arithmetic is done."""
        return (valid.amax(2).amax(0) > 0).nonzero()[:, 0]


class Block(nn.Module):
    """Mix over time by a state space, then over channels by a gated product; added to what came in."""

    def __init__(self, width: int, modes: int, rate_hz: float, dropout: float):
        super().__init__()
        self.space = StateSpace(width, modes, LONGEST_TAU_S * rate_hz)
        self.mix = Mix(width, 2 * width, bias=False)
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
        self.heads, self.pool_width = shape.pool_heads, shape.pool_width
        self.n_space, self.n_slow_space = 2 * shape.modes, 2 * shape.slow_modes
        self.stem = Stem(shape)
        self.blocks = nn.ModuleList(Block(shape.width, shape.modes, TOKEN_HZ, dropout) for _ in range(shape.depth))
        self.beat_head = Mix(shape.width, N_BEAT)
        self.gather = Mix(HOP_TOKENS * shape.width, shape.slow_width)
        self.slow_blocks = nn.ModuleList(
            Block(shape.slow_width, shape.slow_modes, HOP_HZ, dropout) for _ in range(shape.slow_depth)
        )
        self.pool_logits = Mix(shape.slow_width, shape.pool_heads)
        self.pool_values = Mix(shape.slow_width, shape.pool_width)
        self.dropout = Dropout(2 * dropout)
        self.score_head = Mix(shape.pool_width + shape.slow_width, shape.n_scores)

    def maps(self, hops: int) -> list[list[Tensor]]:
        """Every block's state-space map over ``hops``, as ``advance`` takes it."""
        fast = [in_parts(block.space.matrix(hops * self.hop_tokens), self.n_space) for block in self.blocks]
        return fast + [in_parts(block.space.matrix(hops), self.n_slow_space) for block in self.slow_blocks]

    def empty(self, batch: int) -> tuple[list[Tensor], Tensor]:
        """The memory of ``batch`` beds that have none: states of the blocks, and the ring of sums."""
        shape, like = self.shape, self.beat_head.weight
        x = [like.new_zeros(shape.width, batch, 2 * shape.modes)] * shape.depth
        x += [like.new_zeros(shape.slow_width, batch, 2 * shape.slow_modes)] * shape.slow_depth
        return x, like.new_zeros(batch, POOL_HOPS - 1, shape.pool_width + shape.pool_heads)

    def forward(
        self, samples: Tensor, maps: list[list[Tensor]], x: list[Tensor], ring: Tensor
    ) -> tuple[Tensor, Tensor, list[Tensor], Tensor]:
        """Logits of scores (n_scores, B, n) and of beats (6, B, 5 n), and what ``features`` gives of the state."""
        hops, tokens, x, sums = self.features(samples, maps, x, ring)
        return self.score_head(self.dropout(hops)), self.beat_head(self.dropout(tokens)), x, sums

    def features(
        self, samples: Tensor, maps: list[list[Tensor]], x: list[Tensor], ring: Tensor
    ) -> tuple[Tensor, Tensor, list[Tensor], Tensor]:
        """What the heads see: hops (pool_width + slow_width, B, n) and tokens (width, B, 5 n); the blocks' states
        after; and the hops' sums (B, n, pool_width + heads), which ``ring`` (B, POOL_HOPS - 1, the same) is to take up.

        ``samples`` (B, 32, history + 25 n) with the stem's history in front, ``x`` (channels, B, 2N) per block.
        """
        tokens = self.stem(samples)
        after = []
        for index, block in enumerate(self.blocks):
            tokens, state = block(tokens, maps[index], x[index])
            after.append(state)
        tokens = norm(tokens)
        hops = self.gather(tokens.unflatten(2, (-1, self.hop_tokens)).permute(3, 0, 1, 2).flatten(0, 1))
        for index, block in enumerate(self.slow_blocks, len(after)):
            hops, state = block(hops, maps[index], x[index])
            after.append(state)
        hops = norm(hops)
        pooled, sums = self.pool(hops, ring)
        return torch.cat((pooled, hops)), tokens, after, sums

    def pool(self, hops: Tensor, ring: Tensor) -> tuple[Tensor, Tensor]:
        """Attention over the last 10 s at each hop: logits are bounded, so hops can be kept weighted and added up."""
        weights = torch.exp(self.logit_limit * torch.tanh(self.pool_logits(hops) / self.logit_limit))
        values = self.pool_values(hops).unflatten(0, (self.heads, self.pool_width // self.heads))
        sums = torch.cat(((values * weights[:, None]).flatten(0, 1), weights)).permute(1, 2, 0)
        window = self.windows(ring, sums).permute(2, 0, 1)
        total = window[: self.pool_width].unflatten(0, (self.heads, self.pool_width // self.heads))
        return (total / window[self.pool_width :, None]).flatten(0, 1), sums

    def windows(self, ring: Tensor, sums: Tensor) -> Tensor:
        """Sums (B, n, pool_width + heads) over the last POOL_HOPS hops, at each of the hops that ``sums`` brings."""
        hops = sums.shape[1]
        if hops >= self.pool_hops:
            ones = sums.new_ones((hops, self.pool_hops - 1 + hops))  # where a hop lies in the window of which
            return ones.triu().tril(self.pool_hops - 1) @ torch.cat((ring, sums), 1)
        leaving = ring[:, :hops].flip(1).cumsum(1).flip(1)  # nothing is subtracted: no digits are lost
        return ring[:, hops:].sum(1, keepdim=True) + leaving + sums.cumsum(1)
