"""What every network over a whole recording is: a trunk that makes an embedding and tokens, and a linear head on it.

Networks are found by name in ``TRUNKS``; each is built from its own settings, which its model directory keeps.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import ModelError

TRUNKS = {
    "foundation_cnn": "foundation_cnn:FoundationCnn",
    "rocket": "rocket:Rocket",
    "ecg_jepa": "ecg_jepa.encoder:EcgJepa",
    "heartbeit": "heartbeit.vit:HeartBeit",
}
"""Module of this package and class of each network, imported when asked for."""


class Trunk(nn.Module):
    """A network from samples to an embedding. Subclasses take their settings as plain keyword arguments."""

    width: int
    """Floats of an embedding (D)."""
    traceable: bool = True
    """Whether TorchScript traced for one batch serves others: not where the leads that are there decide what is
    computed."""

    def forward(self, mv: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        """``mv`` float32 (B, 8, T) millivolts, ``labelled.LEADS`` at 250 Hz, any T from 2.5 s; ``present`` bool (B, 8).

        Returns the embedding (B, D) and its tokens (B, N, D), in order of time (and lead, where they have one). What
        lies in a lead that is not present changes nothing.
        """
        raise NotImplementedError


class Classifier(nn.Module):
    """A trunk with one linear head: a logit for each label; a trunk that has none yet gives its embedding."""

    def __init__(self, trunk: Trunk, n_labels: int, dropout: float = 0.0):
        super().__init__()
        self.trunk = trunk
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(trunk.width, n_labels) if n_labels else nn.Identity()

    def forward(self, mv: Tensor, present: Tensor) -> Tensor:
        """Logits (B, L)."""
        embedding, _ = self.trunk(mv, present)
        return self.head(self.dropout(embedding))


def build_trunk(network: str, settings: Mapping[str, Any]) -> Trunk:
    """An untrained network by its name in ``TRUNKS``. Raises ModelError where there is none with such settings."""
    if network not in TRUNKS:
        raise ModelError(f"There is no network {network!r}; there are: {', '.join(TRUNKS)}.")
    module, name = TRUNKS[network].split(":")
    try:
        return getattr(import_module(f".{module}", __package__), name)(**settings)
    except TypeError as error:
        raise ModelError(f"The network {network} cannot be built from {dict(settings)}: {error}.") from error


def without_absent(mv: Tensor, present: Tensor) -> Tensor:
    """``mv`` (B, 8, T) with 0 in every lead that is not present (B, 8)."""
    return torch.where(present[:, :, None], mv, torch.zeros_like(mv))
