"""Ten thousand fixed convolutions and, of each, how much of the time it lies above a threshold: MiniRocket (Dempster,
Schmidt & Webb 2021), on many leads.

Kernels have nine weights, six of -1 and three of 2, at all 84 places, at dilations up to the recording's length, each
over a random handful of leads. Thresholds are quantiles of what the kernels give on random recordings; nothing is
trained but the linear head. The features do not change smoothly, so gradients say nothing about this trunk.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ..labelled import N_LEADS, SAMPLES
from .trunk import Trunk, without_absent

LENGTH = 9
PLACES = np.array(list(combinations(range(LENGTH), 3)))
N_KERNELS = len(PLACES)
STEP = 2
MOST_DILATIONS = 32
ROWS = 4
GOLDEN = (5**0.5 + 1) / 2


class Rocket(Trunk):
    """The embedding is standardised by what ``fit_thresholds`` has seen; there are no tokens."""

    traceable = False  # recordings are taken a few at a time, in a loop that a trace would unroll

    def __init__(self, features: int = 10_000, seed: int = 0):
        super().__init__()
        per_kernel = features // N_KERNELS
        dilations, counts = _dilations(per_kernel)
        self.dilations, self.counts = dilations, counts
        self.width = N_KERNELS * per_kernel
        chosen = _leads_of_kernels(len(dilations), np.random.default_rng(seed))
        kernels = np.full((N_KERNELS, LENGTH), -1.0, np.float32)
        kernels[np.arange(N_KERNELS)[:, None], PLACES] = 2.0
        self.register_buffer("kernels", torch.from_numpy(chosen[:, :, :, None] * kernels[:, None]))
        self.register_buffer("thresholds", torch.zeros(N_KERNELS, per_kernel))
        self.register_buffer("mean", torch.zeros(self.width))
        self.register_buffer("spread", torch.ones(self.width))

    def forward(self, mv: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        """As in ``Trunk``."""
        embedding = (self.shares(without_absent(mv, present)) - self.mean) / self.spread
        return embedding, embedding.new_zeros((len(mv), 0, self.width))

    def shares(self, mv: Tensor) -> Tensor:
        """Share of time (B, D) above each threshold; a few recordings at a time, which then stay in the cache."""
        return torch.cat([self._shares(part) for part in mv.split(ROWS)])

    def _shares(self, mv: Tensor) -> Tensor:
        found, first = [], 0
        for number, count in enumerate(self.counts):
            given = self._convolved(mv, number)
            bounds = self.thresholds[:, first : first + count]
            above = [torch.count_nonzero(given > bounds[:, k, None], dim=2) for k in range(count)]
            found.append(torch.stack(above, 2) / given.shape[2])
            first += count
        return torch.cat(found, 2).flatten(1)

    def _convolved(self, mv: Tensor, number: int) -> Tensor:
        """(B, 84, T / 2) of the dilation of this number."""
        dilation = self.dilations[number]
        reach = dilation * (LENGTH - 1) // 2
        samples = functional.avg_pool1d(mv, STEP)
        return functional.conv1d(samples, self.kernels[number], padding=reach, dilation=dilation)

    @torch.no_grad()
    def fit_thresholds(self, mv: Tensor, seed: int = 0) -> None:
        """Set thresholds from recordings ``mv`` (N, 8, 2500), of which one is drawn for each kernel and dilation."""
        rng, first = np.random.default_rng(seed), 0
        quantiles = torch.from_numpy((np.arange(1, self.width + 1) * GOLDEN % 1).astype(np.float32))
        for number, count in enumerate(self.counts):
            drawn = torch.from_numpy(rng.integers(0, len(mv), N_KERNELS))
            for kernel in range(N_KERNELS):
                given = self._convolved(mv[drawn[kernel]][None], number)[0, kernel]
                at = quantiles[(first * N_KERNELS + kernel * count) + torch.arange(count)]
                self.thresholds[kernel, first : first + count] = torch.quantile(given, at)
            first += count

    @torch.no_grad()
    def fit_scale(self, shares: Tensor) -> None:
        """Standardise by these recordings' ``shares`` (N, D)."""
        self.mean.copy_(shares.mean(0))
        self.spread.copy_(shares.std(0).clamp_min(1e-2))


def _dilations(per_kernel: int) -> tuple[list[int], list[int]]:
    """Dilations, spaced evenly in their logarithm, and how many features of each kernel have each."""
    longest = np.log2((SAMPLES / STEP - 1) / (LENGTH - 1))
    spaced = np.logspace(0, longest, min(per_kernel, MOST_DILATIONS), base=2).astype(int)
    dilations, times = np.unique(spaced, return_counts=True)
    counts = times * per_kernel // times.sum()
    counts[: per_kernel - counts.sum()] += 1
    return [int(value) for value in dilations], [int(value) for value in counts]


def _leads_of_kernels(n_dilations: int, rng: np.random.Generator) -> np.ndarray:
    """Which leads each kernel sums over, at each dilation: float32 (dilations, 84, 8) of 0 and 1, few leads oftener."""
    chosen = np.zeros((n_dilations, N_KERNELS, N_LEADS), np.float32)
    for leads in chosen.reshape(-1, N_LEADS):
        leads[rng.choice(N_LEADS, int(2 ** rng.uniform(0, np.log2(N_LEADS + 1))), replace=False)] = 1
    return chosen
