"""The encoder as it is shipped: probabilities out, one flat state in and out."""

from typing import Final

import torch
from torch import Tensor, nn

from ..errors import ModelError
from .encoder import HOP_INPUTS, HOP_TOKENS, N_BEAT, POOL_HOPS, Encoder, EncoderShape

N_CHANNELS = 32
"""Input channels: 16 lead slots in mV, then whether each sample of each slot is valid."""
STRIDE_HOPS = 5
"""Hops that the state space takes at once where a call brings a multiple of them: a chunk of a second."""


class StreamingEncoder(nn.Module):
    """``forward(samples, state) -> (scores, state)`` with calibrated probabilities; scripted and frozen for serving.

    ``prepare`` must run once, after loading: it makes the state-space maps of the weights, which are larger than these.
    """

    channels: Final[int] = N_CHANNELS
    hop_inputs: Final[int] = HOP_INPUTS
    hop_beats: Final[int] = HOP_TOKENS * N_BEAT
    stride_hops: Final[int] = STRIDE_HOPS
    by_hop: list[list[Tensor]]
    by_stride: list[list[Tensor]]
    lowered: list[str]

    def __init__(self, encoder: Encoder, score_scale: Tensor, score_shift: Tensor, beat_shift: Tensor):
        """Calibration: a score is sigmoid(scale * logit + shift); ``beat_shift`` (5,) is added to the class logits."""
        super().__init__()
        self.encoder = encoder
        shape = encoder.shape
        self.depth, self.width, self.modes = shape.depth, shape.width, 2 * shape.modes
        self.slow_depth, self.slow_width, self.slow_modes = shape.slow_depth, shape.slow_width, 2 * shape.slow_modes
        self.history = encoder.stem.history
        self.ring_hops, self.ring_width = POOL_HOPS - 1, shape.pool_width + shape.pool_heads
        self.parts = [
            N_CHANNELS * self.history,
            self.depth * self.width * self.modes,
            self.slow_depth * self.slow_width * self.slow_modes,
            self.ring_hops * self.ring_width,
        ]
        self.n_state = sum(self.parts)
        self.by_hop, self.by_stride = [], []
        # Weights of the large products, which may be taken in a lower precision; the stem keeps its millivolts.
        self.lowered = [
            *(f"encoder.blocks.{k}.mix.weight" for k in range(self.depth)),
            "encoder.gather.weight",
            *(f"encoder.slow_blocks.{k}.mix.weight" for k in range(self.slow_depth)),
            "encoder.pool_values.weight",
        ]
        self.register_buffer("score_scale", score_scale)
        self.register_buffer("score_shift", score_shift)
        self.register_buffer("beat_shift", beat_shift)

    @torch.jit.export
    def prepare(self) -> None:
        """Make the state space's maps over a hop and over STRIDE_HOPS of them."""
        with torch.no_grad():
            self.by_hop = self.encoder.maps(1)
            self.by_stride = self.encoder.maps(self.stride_hops)

    def forward(self, samples: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Advance by n >= 1 hops. ``state`` is overwritten with the new one, and returned.

        ``samples`` (B, 32, 25 n) at 125 Hz: millivolts, then validity as 0 or 1. ``state`` (B, n_state), zero at the
        start of a segment. Returns (B, n, S + 30): S scores, then the beat probabilities (N S V F Q none) of the hop's
        five tokens in turn.
        """
        batch, hops = samples.shape[0], samples.shape[2] // self.hop_inputs
        history, x, ring = self._unpack(state)
        samples = torch.cat((history, samples), 2)
        maps = self.by_stride if hops % self.stride_hops == 0 else self.by_hop
        scores, beats, x_after, sums = self.encoder(samples, maps, x, ring)
        history.copy_(samples[:, :, samples.shape[2] - self.history :])
        for before, after in zip(x, x_after):  # noqa: B905 (TorchScript knows no strict zip)
            before.copy_(after)
        ring.copy_(torch.cat((ring, sums), 1)[:, hops:])
        scores = torch.sigmoid(scores.permute(1, 2, 0) * self.score_scale + self.score_shift)
        return torch.cat((scores, self._beat_probs(beats).view(batch, hops, self.hop_beats)), 2), state

    def _unpack(self, state: Tensor) -> tuple[Tensor, list[Tensor], Tensor]:
        """Views of ``state`` as the encoder takes them."""
        batch = state.shape[0]
        history, x, slow, ring = state.split(self.parts, 1)
        history = history.view(batch, self.channels, self.history)
        x = x.view(batch, self.depth, self.width, self.modes).permute(1, 2, 0, 3)
        slow = slow.view(batch, self.slow_depth, self.slow_width, self.slow_modes).permute(1, 2, 0, 3)
        states = list(x.unbind()) + list(slow.unbind())
        return history, states, ring.view(batch, self.ring_hops, self.ring_width)

    def _beat_probs(self, logits: Tensor) -> Tensor:
        """(6, B, T) to (B, T, 6): class probabilities given a beat, times that of a beat; the last is that of none."""
        logits = logits.permute(1, 2, 0)
        none = torch.sigmoid(logits[:, :, 5:])
        classes = torch.softmax(logits[:, :, :5] + self.beat_shift, 2)
        return torch.cat((classes * (1 - none), none), 2)


def rebuilt(weights: dict[str, Tensor]) -> StreamingEncoder:
    """The encoder that these weights (as ``diagnosis.loader.load_weights`` gives them) were scripted from.

    Raises ModelError where they are of an encoder of another make.
    """
    try:
        filters, kernel = weights["encoder.stem.bank.weight"].shape
        shape = EncoderShape(
            n_scores=len(weights["score_scale"]),
            width=len(weights["encoder.stem.mix.bias"]),
            depth=_blocks("encoder.blocks", weights),
            modes=weights["encoder.blocks.0.space.turn"].shape[1],
            slow_width=len(weights["encoder.gather.bias"]),
            slow_depth=_blocks("encoder.slow_blocks", weights),
            slow_modes=weights["encoder.slow_blocks.0.space.turn"].shape[1],
            pool_width=len(weights["encoder.pool_values.bias"]),
            pool_heads=len(weights["encoder.pool_logits.bias"]),
            filters=filters,
            kernel=kernel,
        )
        calibration = (weights[name] for name in ("score_scale", "score_shift", "beat_shift"))
        streaming = StreamingEncoder(Encoder(shape), *calibration)
        streaming.load_state_dict(weights)
    except (KeyError, RuntimeError) as error:
        raise ModelError(
            f"These weights are not those of this program's own encoder ({error}); only such a model can be "
            "rebuilt, to explain it or to record it for a GPU."
        ) from error
    return streaming.eval()


def _blocks(prefix: str, weights: dict[str, Tensor]) -> int:
    return sum(name.startswith(f"{prefix}.") and name.endswith(".space.skip") for name in weights)
