"""The encoder of ECG-JEPA (Kim 2024, arXiv 2410.08559): one token for each lead and 200 ms, through pre-norm blocks.

    mV (B, L, T, 50) ─ one linear map for every patch ─ [ + positions ─ attention ─ mixing of channels ] × depth ─ norm

Leads may be any subset and columns (times) any selection: what is not there costs nothing.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, layer_norm, scaled_dot_product_attention

from ...labelled import N_LEADS, RATE_HZ
from ..trunk import Trunk
from .causal import causal_cropa
from .cropa import cropa

PATCH = RATE_HZ // 5
"""Samples of a token: 200 ms, a hop."""
LARGEST_MV = 8.0
UNIT_MV = 0.2
"""What the network counts in: about the root mean square of an ECG."""
POSITION_GAIN = 0.2
"""Positions at full height, beside millivolts, are 98 % of what a teacher of this width says, and predicting them
teaches nothing of the heart (docs/decisions/signal-beside-positions.md)."""
ATTENTIONS = ("cropa", "full", "causal")
"""Over own lead and own time; over everything; over own time and the own lead's last columns."""


def patches_of(mv: Tensor) -> Tensor:
    """``mv`` (B, L, T PATCH + rest) in UNIT_MV as (B, L, T, PATCH); what lies behind the last whole patch is left
    out."""
    whole = mv.shape[2] // PATCH
    return mv[:, :, : whole * PATCH].clamp(-LARGEST_MV, LARGEST_MV).unflatten(2, (whole, PATCH)) / UNIT_MV


def waves(positions: Tensor, width: int) -> Tensor:
    """Sines and cosines of positions (…), wavelengths 2π to 10000 · 2π (Vaswani et al. 2017): (…, width)."""
    rates = 10000 ** -(torch.arange(width // 2, device=positions.device) * 2 / width)
    angles = positions[..., None] * rates
    return torch.cat((angles.sin(), angles.cos()), -1)


class Attention(nn.Module):
    """Multi-head attention over a grid of tokens (B, L, T, D) in one of ``ATTENTIONS``."""

    def __init__(self, width: int, heads: int, attention: str, reach: int):
        super().__init__()
        self.heads, self.attention = heads, attention
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        if attention == "causal":
            self.age_bias = nn.Parameter(torch.zeros(heads, reach))

    def split(self, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values, (B, H, L, T, d) each."""
        qkv = self.qkv(tokens).unflatten(3, (3, self.heads, -1))
        return qkv.permute(3, 0, 4, 1, 2, 5).unbind()

    def forward(self, tokens: Tensor, present: Tensor, columns: Tensor) -> Tensor:
        """``tokens`` (B, L, T, D), ``present`` (B, L) or, causal, (B, L, T), ``columns`` (B, T) times in hops."""
        q, k, v = self.split(tokens)
        if self.attention == "cropa":
            seen = cropa(q, k, v, present)
        elif self.attention == "causal":
            seen = causal_cropa(q, k, v, present, columns, self.age_bias)
        else:
            seen = _full(q, k, v, present)
        return self.out(seen.permute(0, 2, 3, 1, 4).flatten(3))


def _full(q: Tensor, k: Tensor, v: Tensor, present: Tensor) -> Tensor:
    """Every token attends to every one of the leads that are there."""
    keys = present.repeat_interleave(q.shape[3], 1)[:, None, None]
    flat = (each.flatten(2, 3) for each in (q, k, v))
    return scaled_dot_product_attention(*flat, attn_mask=keys).unflatten(2, q.shape[2:4])


class Block(nn.Module):
    """Attention, then a mixing of channels, each on normed tokens and added to what came in."""

    def __init__(self, width: int, attention: nn.Module):
        super().__init__()
        self.norm_a, self.norm_b = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = attention
        self.wide, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, tokens: Tensor, *where: Tensor) -> Tensor:
        """(…, D) to the same; ``where`` is for the attention."""
        return self.mixed(tokens + self.attention(self.norm_a(tokens), *where))

    def mixed(self, tokens: Tensor) -> Tensor:
        """What comes behind the attention."""
        return tokens + self.narrow(gelu(self.wide(self.norm_b(tokens))))


class Encoder(nn.Module):
    """Patches to tokens."""

    def __init__(self, width: int, depth: int, heads: int, attention: str, reach: int):
        super().__init__()
        if attention not in ATTENTIONS or width % (4 * heads):
            raise TypeError(f"attention must be one of {ATTENTIONS} and width a multiple of 4 heads")
        self.width, self.causal = width, attention == "causal"
        self.patch = nn.Linear(PATCH, width)
        self.blocks = nn.ModuleList(Block(width, Attention(width, heads, attention, reach)) for _ in range(depth))
        self.norm = nn.LayerNorm(width)

    def positions(self, leads: Tensor, columns: Tensor) -> Tensor:
        """Added before every block: (B, L, T, D) of ``leads`` (L,) and ``columns`` (B, T); causal, of leads alone."""
        half = self.width // 2
        shape = (len(columns), len(leads), columns.shape[1], half)
        by_lead = waves(leads.float(), half)[None, :, None].expand(shape)
        times = torch.zeros_like(columns) if self.causal else columns
        return POSITION_GAIN * torch.cat((by_lead, waves(times.float(), half)[:, None].expand(shape)), 3)

    def forward(self, patches: Tensor, present: Tensor, leads: Tensor, columns: Tensor) -> Tensor:
        """``patches_of`` mV (B, L, T, PATCH) to tokens (B, L, T, D); ``present`` bool (B, L), causal (B, L, T)."""
        positions = self.positions(leads, columns)
        tokens = self.patch(patches)
        for block in self.blocks:
            tokens = block(tokens + positions, present, columns)
        return self.norm(tokens)


class EcgJepa(Trunk):
    """The window form. An embedding is the mean and the maximum over the tokens of the leads that are there."""

    traceable = False

    def __init__(
        self,
        dim: int = 128,
        depth: int = 4,
        heads: int = 4,
        attention: str = "cropa",
        reach: int = 25,
        drop: float = 0.0,
    ):
        super().__init__()
        self.encoder = Encoder(dim, depth, heads, attention, reach)
        self.drop = nn.Dropout(drop)
        self.width = 2 * dim

    def forward(self, mv: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        """As in ``Trunk``; tokens lead by lead, 0 where a lead is not there."""
        leads = torch.nonzero(present.any(0))[:, 0]  # one for the whole batch: what nobody has costs nothing
        leads = leads if len(leads) else leads.new_zeros(1)
        patches = patches_of(mv[:, leads])
        here = present[:, leads]
        patches = torch.where(here[:, :, None, None], patches, torch.zeros_like(patches))
        columns = torch.arange(patches.shape[2], device=mv.device).expand(len(mv), -1)
        each = here[:, :, None].expand(-1, -1, columns.shape[1])
        tokens = self.drop(self.encoder(patches, each if self.encoder.causal else here, leads, columns))
        held = each[..., None]
        most = tokens.masked_fill(~held, -math.inf).amax((1, 2)).masked_fill(~here.any(1, keepdim=True), 0.0)
        tokens = tokens.masked_fill(~held, 0.0)
        mean = tokens.sum((1, 2)) / held.sum((1, 2)).clamp(min=1)
        grid = tokens.new_zeros(len(mv), N_LEADS, *tokens.shape[2:]).index_copy(1, leads, tokens)
        return torch.cat((mean, most), 1), grid.flatten(1, 2)


def normed(tokens: Tensor) -> Tensor:
    """Layer norm without gains."""
    return layer_norm(tokens, tokens.shape[-1:])
