"""The encoder as it is shipped: probabilities out, one flat state in and out."""

from typing import Final

import torch
from torch import Tensor, nn

from .encoder import HOP_INPUTS, HOP_TOKENS, N_BEAT, POOL_HOPS, Encoder

N_CHANNELS = 32
"""Input channels: 16 lead slots in mV, then whether each sample of each slot is valid."""


class StreamingEncoder(nn.Module):
    """``forward(samples, state) -> (scores, state)`` with calibrated probabilities; scripted and frozen for serving."""

    channels: Final[int] = N_CHANNELS
    hop_inputs: Final[int] = HOP_INPUTS
    hop_beats: Final[int] = HOP_TOKENS * N_BEAT

    def __init__(self, encoder: Encoder, score_scale: Tensor, score_shift: Tensor, beat_shift: Tensor):
        """Calibration: a score is sigmoid(scale * logit + shift); ``beat_shift`` (5,) is added to the class logits."""
        super().__init__()
        self.encoder = encoder
        shape = encoder.shape
        self.depth, self.width, self.modes = shape.depth, shape.width, 2 * shape.modes
        self.history = encoder.stem.history
        self.ring_hops, self.ring_width = POOL_HOPS - 1, shape.width + shape.pool_heads
        self.parts = [
            N_CHANNELS * self.history,
            self.depth * self.width * self.modes,
            self.ring_hops * self.ring_width,
        ]
        self.n_state = sum(self.parts)
        self.register_buffer("matrices", torch.stack(encoder.matrices(HOP_TOKENS)).detach())
        self.register_buffer("score_scale", score_scale)
        self.register_buffer("score_shift", score_shift)
        self.register_buffer("beat_shift", beat_shift)

    def forward(self, samples: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Advance by n >= 1 hops. ``state`` is overwritten with the new one, and returned.

        ``samples`` (B, 32, 25 n) at 125 Hz: millivolts, then validity as 0 or 1. ``state`` (B, n_state), zero at the
        start of a segment. Returns (B, n, S + 30): S scores, then the beat probabilities (N S V F Q none) of the hop's
        five tokens in turn.
        """
        batch, hops = samples.shape[0], samples.shape[2] // self.hop_inputs
        history, x, ring = self._unpack(state)
        samples = torch.cat((history, samples), 2)
        scores, beats, x_after, ring_after = self.encoder(samples, list(self.matrices.unbind()), x, ring)
        history.copy_(samples[:, :, samples.shape[2] - self.history :])
        for before, after in zip(x, x_after):  # noqa: B905 (TorchScript knows no strict zip)
            before.copy_(after)
        ring.copy_(ring_after)
        scores = torch.sigmoid(scores * self.score_scale + self.score_shift)
        return torch.cat((scores, self._beat_probs(beats).reshape(batch, hops, self.hop_beats)), 2), state

    def _unpack(self, state: Tensor) -> tuple[Tensor, list[Tensor], Tensor]:
        """Views of ``state``."""
        batch = state.shape[0]
        history, x, ring = state.split(self.parts, 1)
        history = history.view(batch, self.channels, self.history)
        x = x.view(batch, self.depth, self.width, self.modes)
        return history, list(x.unbind(1)), ring.view(batch, self.ring_hops, self.ring_width)

    def _beat_probs(self, logits: Tensor) -> Tensor:
        """Class probabilities given a beat, times that of a beat; the last column is that of none."""
        none = torch.sigmoid(logits[:, :, 5:])
        classes = torch.softmax(logits[:, :, :5] + self.beat_shift, 2)
        return torch.cat((classes * (1 - none), none), 2)
