"""The network: a transformer over patches, one for each lead and 200 ms (BEiT, Bao et al. 2021), of modest size."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...labelled import N_LEADS
from ..ecg_jepa.encoder import waves
from ..trunk import Trunk, without_absent
from .patches import FORMS, image_patches, signal_patches


class HeartBeit(Trunk):
    """``form``: "signal", patches of samples, or "image", patches of the picture of the ECG."""

    def __init__(self, dim: int = 96, depth: int = 4, heads: int = 4, form: str = "signal", drop: float = 0.0):
        super().__init__()
        if form not in FORMS or dim % 4:
            raise TypeError(f"form must be one of {', '.join(FORMS)}, and dim a multiple of 4")
        self.width = dim
        self._patches = image_patches if form == "image" else signal_patches
        self.patch = nn.Linear(FORMS[form], dim)
        self.hidden = nn.Parameter(0.02 * torch.randn(dim))
        layer = nn.TransformerEncoderLayer(dim, heads, 4 * dim, drop, "gelu", batch_first=True, norm_first=True)
        self.blocks = nn.TransformerEncoder(layer, depth, nn.LayerNorm(dim), enable_nested_tensor=False)

    def forward(self, mv: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        """As in ``Trunk``; tokens lead by lead."""
        tokens = self.tokens(mv, present)
        there = present[:, :, None, None]
        count = (present.sum(1) * tokens.shape[2]).clamp(min=1)[:, None]
        return (tokens * there).sum((1, 2)) / count, (tokens * there).flatten(1, 2)

    def tokens(self, mv: Tensor, present: Tensor, hidden: Tensor | None = None) -> Tensor:
        """``mv`` (B, 8, T) and ``present`` (B, 8) to tokens (B, 8, T / PATCH, D), by what is not ``hidden`` bool (B, 8,
        T / PATCH). What is not present is attended by none."""
        patches = self.patch(self._patches(without_absent(mv, present)))
        columns = patches.shape[2]
        if hidden is not None:
            patches = torch.where(hidden[..., None], self.hidden, patches)
        placed = (patches + self._positions(columns, mv.device)).flatten(1, 2)
        absent = ~present.repeat_interleave(columns, 1)
        return self.blocks(placed, src_key_padding_mask=absent).unflatten(1, (N_LEADS, columns))

    def _positions(self, columns: int, device: torch.device) -> Tensor:
        """Half of it tells the lead, half the time: (8, columns, D)."""
        half = self.width // 2
        by_lead = waves(torch.arange(N_LEADS, device=device), half)[:, None].expand(-1, columns, -1)
        by_time = waves(torch.arange(columns, device=device), half)[None].expand(N_LEADS, -1, -1)
        return torch.cat((by_lead, by_time), 2)
