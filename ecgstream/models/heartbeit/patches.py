"""What the network sees of 200 ms of a lead: its samples, or its picture on paper, made without drawing."""

from __future__ import annotations

import torch
from torch import Tensor

from ...labelled import RATE_HZ

PATCH = RATE_HZ // 5
"""Samples of a patch: 200 ms, a hop."""
LARGEST_MV = 8.0
SAMPLES_A_PIXEL = 5
PIXELS_WIDE = PATCH // SAMPLES_A_PIXEL
PIXELS_HIGH = 32
PIXEL_MV = 0.125
"""A picture is 4 mV high; what goes beyond lies on its edge."""
FORMS = {"signal": PATCH, "image": PIXELS_HIGH * PIXELS_WIDE}
"""Numbers of a patch."""


def signal_patches(mv: Tensor) -> Tensor:
    """``mv`` (B, L, T PATCH + rest) as (B, L, T, PATCH); what lies behind the last whole patch is left out."""
    whole = mv.shape[2] // PATCH
    return mv[:, :, : whole * PATCH].clamp(-LARGEST_MV, LARGEST_MV).unflatten(2, (whole, PATCH))


def image_patches(mv: Tensor) -> Tensor:
    """Pictures of 200 ms of each lead: (B, L, T, PIXELS_HIGH * PIXELS_WIDE), rows from the top, 0 (paper) to 1 (ink).

    A pixel's column is inked from the least to the greatest of its samples and the next one, so that lines are whole.
    """
    line = signal_patches(mv).flatten(2)
    reach = PIXELS_HIGH / 2 * PIXEL_MV - PIXEL_MV / 2
    line = torch.cat((line, line[:, :, -1:]), 2).clamp(-reach, reach)
    columns = line.unfold(2, SAMPLES_A_PIXEL + 1, SAMPLES_A_PIXEL)  # (B, L, T * PIXELS_WIDE, 6)
    low, high = columns.amin(3)[..., None], columns.amax(3)[..., None]
    rows = torch.linspace(reach, -reach, PIXELS_HIGH, device=mv.device, dtype=mv.dtype)
    away = torch.maximum(low - rows, rows - high).clamp(min=0)  # (B, L, T * PIXELS_WIDE, PIXELS_HIGH)
    ink = (1 - away / PIXEL_MV).clamp(min=0)
    return ink.unflatten(2, (-1, PIXELS_WIDE)).transpose(3, 4).flatten(3)
