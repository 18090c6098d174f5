"""TorchScript on rows of many beds: in batches of a few sizes, as PyTorch specialises for each shape that it meets."""

from __future__ import annotations

import itertools
from threading import Lock

import numpy as np
import torch

from ..errors import ModelError
from ..models.encoder import HOP_INPUTS
from ..waveform import N_LEADS
from .model import Model

BATCHES = (1, 4, 8, 12, 16, 20, 24, 28, 32, 40, 48, 56, 64)
HOP_RUNS = (5, 1)
"""Fixed sizes: rows and hops in one call of the encoder, so that it meets few shapes."""
LONG_RUNS = (75, 25, 5, 1)
"""The same for whole recordings: as many hops in one call as a block may have."""


class BatchedEncoder:
    """A model's TorchScript with ``advance`` as the compiled encoder has it."""

    def __init__(self, model: Model):
        self.model, self.device, self.n_state = model, model.device, model.manifest.n_state
        self.hop_runs: tuple[int, ...] = HOP_RUNS
        # State of the rows in a call; of every size, its first rows.
        self._batch = torch.zeros((BATCHES[-1], self.n_state), device=self.device)
        self._one_at_a_time = Lock()  # of the calls that use it

    def warm_up(self) -> None:
        """Run it a few times: PyTorch specialises a script on its first runs, on a GPU for every shape anew.

        On a CPU the first run of another shape takes up to 15 ms longer than the next: that can wait for a bed."""
        shapes = list(itertools.product(BATCHES, HOP_RUNS))
        for size, hops in shapes[:1] if self.device.type == "cpu" else shapes:
            for _ in range(3):
                self._run(np.zeros((size, 2 * N_LEADS, hops * HOP_INPUTS), np.float32), self._batch[:size])

    def advance(self, samples: np.ndarray, state: np.ndarray | torch.Tensor, rows: np.ndarray) -> np.ndarray:
        """Advance ``rows`` (B,) of ``state`` (R, n_state) in place by ``samples`` (B, 32, 25 n); (B, n, S + 30).

        ModelError when the encoder fails."""
        arena, index = torch.as_tensor(state), torch.as_tensor(rows, device=self.device)
        parts = [slice(start, start + BATCHES[-1]) for start in range(0, len(samples), BATCHES[-1])]
        with self._one_at_a_time:
            return np.concatenate([self._run_rows(samples[part], arena, index[part]) for part in parts])

    def _run_rows(self, samples: np.ndarray, arena: torch.Tensor, index: torch.Tensor) -> np.ndarray:
        """Gather the rows' state into a batch of a fixed size, run hops a fixed number at a time, and put it back."""
        size = next(size for size in BATCHES if size >= len(index))
        state = self._batch[:size]
        torch.index_select(arena, 0, index, out=state[: len(index)])
        samples = np.pad(samples, ((0, size - len(index)), (0, 0), (0, 0)))
        runs = runs_of(samples.shape[2] // HOP_INPUTS, self.hop_runs)
        out = [self._run(samples[:, :, hops.start * HOP_INPUTS : hops.stop * HOP_INPUTS], state) for hops in runs]
        arena.index_copy_(0, index, state[: len(index)])
        return np.concatenate(out, 1)[: len(index)]

    def _run(self, samples: np.ndarray, state: torch.Tensor) -> np.ndarray:
        """One call of the encoder, which overwrites ``state``."""
        try:
            with torch.no_grad():
                scores, _ = self.model.encoder(torch.as_tensor(samples, device=self.device), state)
        except RuntimeError as error:
            raise ModelError(f"The model {self.model.version} failed: {error}") from error
        return scores.cpu().numpy()


def runs_of(hops: int, lengths: tuple[int, ...]) -> list[slice]:
    """So many hops in runs of these ``lengths``, the longest first, the last of which is 1."""
    runs, start = [], 0
    while start < hops:
        stop = start + next(length for length in lengths if length <= hops - start)
        runs.append(slice(start, stop))
        start = stop
    return runs
