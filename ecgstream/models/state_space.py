"""A diagonal state-space layer whose carried state gives, to rounding, what a run over the whole signal gives.

Source: Gu, Gupta, Goel, Ré, "On the Parameterization and Initialization of Diagonal State Space Models" (S4D, 2022),
initialised as S4D-Lin, with the input normalisation of Orvieto et al., "Resurrecting Recurrent Neural Networks for
Long Sequences" (LRU, 2023). Time constants are bounded, so that a state older than a minute no longer matters.
"""

import math

import torch
from torch import Tensor, nn


def in_parts(matrix: Tensor, n: int) -> list[Tensor]:
    """A map (D, n + L, n + L) of ``n`` state and L inputs, and its parts: what each state keeps of itself and takes
    from its other half (both (D, 1, n), as modes only turn), input to state, all to state, all to output."""
    half = n // 2
    real, imag = matrix[:, :half, :half].diagonal(0, 1, 2), matrix[:, :half, half:n].diagonal(0, 1, 2)
    keep, turn = torch.cat((real, real), 1)[:, None], torch.cat((-imag, imag), 1)[:, None]
    to_state, to_output = matrix[:, :, :n].contiguous(), matrix[:, :, n:].contiguous()
    return [keep, turn, matrix[:, n:, :n].contiguous(), to_state, to_output]


def advance(maps: list[Tensor], u: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """Run channels of a linear state space over tokens, some tokens at a time.

    ``maps`` from ``in_parts`` of ``StateSpace.matrix(L)``; ``u`` (D, B, T) input with T a multiple of L; ``x``
    (D, B, 2N) state. Returns output (D, B, T) and the state after the last token.
    """
    keep, turn, write, to_state, to_output = maps[0], maps[1], maps[2], maps[3], maps[4]
    n, length = to_state.shape[2], to_output.shape[2]
    batch, pieces = u.shape[1], u.shape[2] // length
    if pieces == 1:  # two products, as what follows reads a part of one result's rows slowly
        together = torch.cat((x, u), 2)
        return torch.bmm(together, to_output), torch.bmm(together, to_state)
    # All pieces at once, so that the maps are read once; only what the state keeps goes from one to the next.
    together = u.reshape(u.shape[0], batch * pieces, length)
    written = torch.bmm(together, write).unflatten(1, (batch, pieces))
    before: list[Tensor] = []
    for piece in written.unbind(2):
        before.append(x)
        x = piece.addcmul(x, keep).addcmul_(x.roll(n // 2, 2), turn)
    seen = torch.stack(before, 2).flatten(1, 2)
    return torch.bmm(torch.cat((seen, together), 2), to_output).view_as(u), x


class StateSpace(nn.Module):
    """D independent channels, each with N complex modes: x' = λx + γu, y = Re(Cx) + du."""

    def __init__(self, width: int, modes: int, longest_tau_tokens: float):
        super().__init__()
        step = torch.exp(torch.empty(width, 1).uniform_(math.log(0.01), math.log(0.5)))
        self.slowest_decay = 1.0 / longest_tau_tokens
        decay = (0.5 * step).expand(width, modes).clamp(min=self.slowest_decay * 1.01) - self.slowest_decay
        self.log_decay = nn.Parameter(torch.log(decay))
        self.turn = nn.Parameter(math.pi * step * torch.arange(modes))
        self.c = nn.Parameter(torch.randn(width, modes, 2) / math.sqrt(2 * modes))
        self.skip = nn.Parameter(torch.randn(width))

    def matrix(self, length: int) -> Tensor:
        """The linear map (state, ``length`` inputs) -> (state, ``length`` outputs) of each channel: (D, 2N+L, 2N+L)."""
        decay = self.slowest_decay + torch.exp(self.log_decay)
        rate = torch.complex(-decay, self.turn)
        powers = torch.exp(rate[:, :, None] * torch.arange(length + 1, device=rate.device))  # (D, N, L + 1): λ^m
        gain = torch.sqrt(1 - torch.exp(-2 * decay))[:, :, None]
        seen = torch.view_as_complex(self.c)[:, :, None] * powers
        kernel = (gain * seen[:, :, :length]).real.sum(1)  # (D, L)
        written = gain * powers[:, :, :length].flip(2)
        state_part = torch.cat((_rotation(powers[:, :, length]), seen[:, :, 1:].real, -seen[:, :, 1:].imag), 2)
        return self._assemble(state_part, written, kernel, length)

    def _assemble(self, state_part: Tensor, written: Tensor, kernel: Tensor, length: int) -> Tensor:
        width, modes, _ = written.shape
        to_state, by_re, by_im = state_part.split((4 * modes, length, length), 2)
        re_rows = torch.cat((to_state[:, :, : 2 * modes], by_re), 2)
        im_rows = torch.cat((to_state[:, :, 2 * modes :], by_im), 2)
        at = torch.arange(length, device=kernel.device)
        lag = at[None, :] - at[:, None]
        within = kernel[:, lag.clamp(min=0)] * (lag >= 0).to(kernel.dtype) + self.skip[:, None, None] * (lag == 0)
        u_rows = torch.cat((written.real.transpose(1, 2), written.imag.transpose(1, 2), within), 2)
        return torch.cat((re_rows, im_rows, u_rows), 1)


def _rotation(power: Tensor) -> Tensor:
    """Rows re and im of x' = λ^L x as (D, N, 4N): [re→re, re→im, im→re, im→im], each diagonal."""
    re, im = torch.diag_embed(power.real), torch.diag_embed(power.imag)
    return torch.cat((re, im, -im, re), 2)
