"""The causal form at work, hop by hop: a new column of tokens attends to keys that are kept, and nothing is computed
twice.

The state of B beds is one array each of keys, values, validity and time, rows first, so that it can be saved, moved and
put together like any other state of the daemon.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ...errors import ModelError
from ...labelled import N_LEADS
from .encoder import Attention, Encoder, patches_of


@dataclass(slots=True)
class StreamState:
    """What B streams remember; overwritten at every hop."""

    keys: Tensor  # float32 (B, depth, reach, 8, D); a column lies at its hop modulo reach
    values: Tensor  # float32 (B, depth, reach, 8, D)
    valid: Tensor  # bool (B, reach, 8); False where a lead was not there, or nothing has come yet
    hop: Tensor  # int64 (B,), hops since the stream began

    def take(self, rows: Tensor) -> StreamState:
        """Of these rows, a copy."""
        return StreamState(self.keys[rows], self.values[rows], self.valid[rows], self.hop[rows])


class StreamingJepa:
    """Advances a causal ``Encoder`` by one hop for many streams at once.

    To rounding it gives what ``Encoder.forward`` gives over the whole recording, for as long as that is.
    """

    def __init__(self, encoder: Encoder):
        """Raises ModelError for an encoder that looks ahead."""
        if not encoder.causal:
            raise ModelError("Only an encoder with attention 'causal' can be streamed; found one that looks ahead.")
        self.encoder = encoder.eval()
        self.reach = encoder.blocks[0].attention.age_bias.shape[1]
        self.leads = torch.arange(N_LEADS)

    def begin(self, streams: int) -> StreamState:
        """An empty memory."""
        shape = (streams, len(self.encoder.blocks), self.reach, N_LEADS, self.encoder.width)
        valid = torch.zeros(streams, self.reach, N_LEADS, dtype=torch.bool)
        return StreamState(torch.zeros(shape), torch.zeros(shape), valid, torch.zeros(streams, dtype=torch.int64))

    @torch.inference_mode()
    def step(self, mv: Tensor, present: Tensor, state: StreamState) -> Tensor:
        """One hop: ``mv`` float32 (B, 8, 50), ``present`` bool (B, 8); the column's tokens (B, 8, D), 0 where absent.

        ``state`` is overwritten with the new one.
        """
        rows, slot = torch.arange(len(mv)), state.hop % self.reach
        state.valid[rows, slot] = present
        age = (slot[:, None] - torch.arange(self.reach)) % self.reach  # (B, reach): hops ago of what lies where
        positions = self.encoder.positions(self.leads, torch.zeros(1, 1, dtype=torch.int64))[0, :, 0]
        tokens = self.encoder.patch(patches_of(torch.where(present[:, :, None], mv, 0.0))[:, :, 0])  # (B, 8, D)
        for index, block in enumerate(self.encoder.blocks):
            tokens = tokens + positions
            attention = block.attention
            q, k, v = attention.qkv(block.norm_a(tokens)).chunk(3, 2)
            state.keys[rows, index, slot], state.values[rows, index, slot] = k, v
            kept = state.keys[:, index], state.values[:, index]
            seen = _attend(attention, q, k, v, kept, state.valid, age, present)
            tokens = block.mixed(tokens + attention.out(seen))
        state.hop += 1
        return self.encoder.norm(tokens) * present[:, :, None]


def _attend(
    attention: Attention,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    kept: tuple[Tensor, Tensor],
    valid: Tensor,
    age: Tensor,
    present: Tensor,
) -> Tensor:
    """``q``, ``k``, ``v`` (B, 8, D) of the new column, ``kept`` keys and values (B, reach, 8, D); to (B, 8, D)."""
    heads = attention.heads
    q, k, v = (each.unflatten(2, (heads, -1)).transpose(1, 2) for each in (q, k, v))  # (B, H, 8, d)
    keys, values = (each.unflatten(3, (heads, -1)).permute(0, 3, 2, 1, 4) for each in kept)  # (B, H, 8, reach, d)
    q = q / math.sqrt(q.shape[3])
    bias = attention.age_bias[:, age].transpose(0, 1)[:, :, None]  # (B, H, 1, reach)
    own = (keys @ q[..., None])[..., 0] + bias
    own = own.masked_fill(~valid.transpose(1, 2)[:, None], -torch.inf)
    hidden = torch.eye(N_LEADS, dtype=torch.bool) | ~present[:, None, None]
    across = (q @ k.transpose(2, 3)).masked_fill(hidden, -torch.inf)
    scores = torch.where(present[:, None, :, None], torch.cat((own, across), 3), 0.0)
    own, across = scores.softmax(3).split((own.shape[3], N_LEADS), 3)
    sums = (own[..., None, :] @ values)[..., 0, :] + across @ v
    return sums.transpose(1, 2).flatten(2) * present[:, :, None]
