"""Cross-pattern attention that looks back only: a token attends to the last ``reach`` columns of its own lead, and to
all leads of its own column. Positions are relative (a bias by age), so that a stream may begin anywhere."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def causal_cropa(q: Tensor, k: Tensor, v: Tensor, valid: Tensor, columns: Tensor, age_bias: Tensor) -> Tensor:
    """Attention over whole recordings: ``q``, ``k``, ``v`` (B, H, L, T, d), to the same shape.

    ``valid`` bool (B, L, T): a token that is not valid is attended by none, and becomes 0. ``columns`` int (B, T): the
    time of each column, in hops. ``age_bias`` (H, reach) is added to the score of a key of the own lead so many hops
    ago.
    """
    leads, times, reach = *q.shape[2:4], age_bias.shape[1]
    q = q / math.sqrt(q.shape[4])
    age = columns[:, :, None] - columns[:, None, :]  # (B, query, key)
    bias = age_bias[:, age.clamp(0, reach - 1)].transpose(0, 1)[:, :, None]  # (B, H, 1, T, T)
    seen = ((age >= 0) & (age < reach))[:, None, None] & valid[:, None, :, None, :]
    own = (q @ k.transpose(3, 4) + bias).masked_fill(~seen, -torch.inf)
    across = q.transpose(2, 3) @ k.permute(0, 1, 3, 4, 2)  # (B, H, T, L, L)
    hidden = torch.eye(leads, dtype=torch.bool, device=q.device) | ~valid.transpose(1, 2)[:, None, :, None, :]
    across = across.masked_fill(hidden, -torch.inf).transpose(2, 3)
    scores = torch.cat((own, across), 4)
    here = valid[:, None, :, :, None]
    own, across = torch.where(here, scores, torch.zeros_like(scores)).softmax(4).split((times, leads), 4)
    sums = own @ v + (across.transpose(2, 3) @ v.transpose(2, 3)).transpose(2, 3)
    return sums.masked_fill(~here, 0.0)
