"""The network: a transformer over patches, one for each lead and 200 ms (BEiT, Bao et al. 2021), of modest size."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ...labelled import N_LEADS
from ..ecg_jepa.encoder import waves
from ..trunk import Trunk, without_absent
from .patches import FORMS, image_patches, signal_patches

UNIT = 0.2
"""About the root mean square of an ECG in mV, and of the ink of its picture: signal is then as large as positions."""


class HeartBeit(Trunk):
    """``form``: "signal", patches of samples, or "image", patches of the picture of the ECG. An embedding is the mean
    and the maximum over the tokens of the leads that are there."""

    traceable = False

    def __init__(self, dim: int = 96, depth: int = 4, heads: int = 4, form: str = "signal", drop: float = 0.0):
        super().__init__()
        if form not in FORMS or dim % 4:
            raise TypeError(f"form must be one of {', '.join(FORMS)}, and dim a multiple of 4")
        self.width, self.dim = 2 * dim, dim
        self._patches = image_patches if form == "image" else signal_patches
        self.patch = nn.Linear(FORMS[form], dim)
        self.hidden = nn.Parameter(0.02 * torch.randn(dim))
        layer = nn.TransformerEncoderLayer(dim, heads, 4 * dim, drop, "gelu", batch_first=True, norm_first=True)
        self.blocks = nn.TransformerEncoder(layer, depth, nn.LayerNorm(dim), enable_nested_tensor=False)

    def forward(self, mv: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        """As in ``Trunk``; tokens lead by lead."""
        tokens = self.tokens(mv, present)
        count = (present.sum(1) * tokens.shape[2]).clamp(min=1)[:, None]
        most = tokens.masked_fill(~present[:, :, None, None], -math.inf).amax((1, 2))
        most = most.masked_fill(~present.any(1, keepdim=True), 0.0)
        return torch.cat((tokens.sum((1, 2)) / count, most), 1), tokens.flatten(1, 2)

    def tokens(self, mv: Tensor, present: Tensor, hidden: Tensor | None = None) -> Tensor:
        """``mv`` (B, 8, T) and ``present`` (B, 8) to tokens (B, 8, T / PATCH, D), by what is not ``hidden`` bool (B, 8,
        T / PATCH). What is not present is attended by none, and 0."""
        leads = torch.nonzero(present.any(0))[:, 0]  # one for the whole batch: what nobody has costs nothing
        leads = leads if len(leads) else leads.new_zeros(1)
        here = present[:, leads]
        patches = self.patch(self._patches(without_absent(mv, present)[:, leads]) / UNIT)
        if hidden is not None:
            patches = torch.where(hidden[:, leads, :, None], self.hidden, patches)
        placed = patches + self._positions(leads, patches.shape[2])
        tokens = self.blocks(placed.flatten(1, 2), src_key_padding_mask=_unseen(here, patches.shape[2]))
        tokens = tokens.unflatten(1, patches.shape[1:3]).masked_fill(~here[:, :, None, None], 0.0)
        return tokens.new_zeros(len(mv), N_LEADS, *tokens.shape[2:]).index_copy(1, leads, tokens)

    def _positions(self, leads: Tensor, columns: int) -> Tensor:
        """Half of it tells the lead, half the time: (L, columns, D)."""
        half = self.dim // 2
        by_lead = waves(leads, half)[:, None].expand(-1, columns, -1)
        by_time = waves(torch.arange(columns, device=leads.device), half)[None].expand(len(leads), -1, -1)
        return torch.cat((by_lead, by_time), 2)


def _unseen(here: Tensor, columns: int) -> Tensor | None:
    """Tokens (B, L columns) that are attended by none; a record without any lead attends to what is not there, as a
    softmax over nothing is not a number."""
    if here.all():
        return None
    return (~here & here.any(1, keepdim=True)).repeat_interleave(columns, 1)
