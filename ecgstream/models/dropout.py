"""Dropout whose masks come from a generator of the calling thread, so that training on two threads is repeatable."""

import threading

import torch
from torch import Tensor, nn

_of_thread = threading.local()


def seed_dropout(seed: int) -> None:
    """Begin this thread's masks anew."""
    _of_thread.generator = torch.Generator().manual_seed(seed)


class Dropout(nn.Module):
    """Sets each value to 0 with probability ``p`` in training (after ``seed_dropout``); passes all when serving."""

    def __init__(self, p: float):
        super().__init__()
        self.kept = 1 - p

    def forward(self, values: Tensor) -> Tensor:
        """Any shape to the same."""
        if torch.jit.is_scripting():
            return values
        return self._masked(values) if self.training and self.kept < 1 else values

    @torch.jit.unused
    def _masked(self, values: Tensor) -> Tensor:
        mask = torch.empty_like(values).bernoulli_(self.kept, generator=_of_thread.generator)
        return values * mask / self.kept
