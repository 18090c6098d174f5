"""The encoder at work on many beds: rows of its state advanced where they lie, or by TorchScript in batches."""

from __future__ import annotations

import itertools
from threading import Lock

import numpy as np
import torch

from ..errors import ModelError
from ..rows import untouched
from ..waveform import HOP_SAMPLES, N_LEADS, Conditioned, Reason, Scores
from .fused import FusedEncoder
from .model import Model
from .tokens import HOP_TOKENS, BeatProbs

BATCHES = (1, 4, 8, 12, 16, 20, 24, 28, 32, 40, 48, 56, 64)
HOP_RUNS = (5, 1)
"""Fixed sizes: rows and hops in one call of the encoder, so that it meets few shapes."""
GRID_STEP = 2
HOP_INPUTS = HOP_SAMPLES // GRID_STEP
N_BEAT = 6
WINDOW_HOPS = 50
USABLE_SHARE = 0.5


class Diagnosis:
    """Carries the encoder's state for ``n_rows`` beds; any cut of the same hops into steps gives the same scores."""

    def __init__(self, model: Model, n_rows: int, threads: int = 1):
        torch.set_num_threads(threads)
        self.model = model
        self._room = _no_memory(n_rows, model)
        self.state = self._room[:n_rows]
        self._batch = _no_memory(BATCHES[-1], model)  # state of the rows in a call; of every size, its first rows
        self._one_at_a_time = Lock()  # of the calls that use it
        self.usable = np.zeros((n_rows, WINDOW_HOPS), bool)  # which of the last hops had signal, the newest last
        self.empty = np.ones(n_rows, bool)  # rows without memory: to clear them again would cost as much as a hop
        self.hop_runs: tuple[int, ...] = HOP_RUNS

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the scores, in order."""
        return self.model.manifest.names

    def warm_up(self) -> None:
        """Run it a few times: PyTorch specialises a script on its first runs, on a GPU for every shape anew.

        On a CPU the first run of another shape takes up to 15 ms longer than the next: that can wait for a bed."""
        shapes = list(itertools.product(BATCHES, HOP_RUNS))
        for size, hops in shapes[:1] if self.state.device.type == "cpu" else shapes:
            for _ in range(3):
                self._run(np.zeros((size, 2 * N_LEADS, hops * HOP_INPUTS), np.float32), self._batch[:size])

    def grow(self, n_rows: int) -> None:
        """Make room for ``n_rows`` rows; the new ones start with an empty memory."""
        more = n_rows - len(self.usable)
        if len(self._room) < n_rows:
            room = _no_memory(max(n_rows, 2 * len(self._room)), self.model)
            room[: len(self.state)] = self.state
            self._room = room
        self.state = self._room[:n_rows]
        self.usable = np.concatenate((self.usable, np.zeros((more, WINDOW_HOPS), bool)))
        self.empty = np.concatenate((self.empty, np.ones(more, bool)))

    def reset(self, rows: np.ndarray) -> None:
        """Forget everything of ``rows``."""
        rows = rows[~self.empty[rows]]
        self.state[torch.as_tensor(rows)] = 0
        self.usable[rows], self.empty[rows] = False, True

    def save(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """The state of ``rows`` as arrays; ``restore`` puts it back."""
        return {"state": self.state[torch.as_tensor(rows)].cpu().numpy(), "usable": self.usable[rows].copy()}

    def restore(self, rows: np.ndarray, saved: dict[str, np.ndarray]) -> None:
        """Put back what ``save`` gave; ModelError when it was saved with another model."""
        if saved["state"].shape[1] != self.state.shape[1]:
            raise ModelError(
                f"Saved encoder state must have {self.state.shape[1]} floats a row; it has {saved['state'].shape[1]}. "
                "It was saved with another model: let the beds settle anew."
            )
        self.state[torch.as_tensor(rows)] = torch.from_numpy(saved["state"]).to(self.state.device)
        self.usable[rows], self.empty[rows] = saved["usable"], False

    def step(self, block: Conditioned) -> tuple[Scores, BeatProbs]:
        """Advance the block's rows by its hops. ModelError when the encoder gives NaN or fails."""
        self.reset(block.rows[block.new_segment])
        self.empty[block.rows] = False
        out = self._advance(block)
        n_scores = len(self.names)
        reason, beats_settling = self._withheld(block)
        values = np.where((reason == Reason.OK)[:, :, None], out[:, :, :n_scores], np.nan).astype(np.float32)
        probs = out[:, :, n_scores:].reshape(len(block.rows), block.n_hops, HOP_TOKENS, N_BEAT)
        probs = np.where(beats_settling[:, :, None, None], np.nan, probs).astype(np.float32)
        probs = probs.reshape(len(block.rows), HOP_TOKENS * block.n_hops, N_BEAT)
        return Scores(self.names, values, reason), BeatProbs(probs, self.model.manifest.beat_delay_s)

    def _advance(self, block: Conditioned) -> np.ndarray:
        """What the encoder says (R, n_hops, S + 30) of the block's hops."""
        inputs = block.ecg_mv[:, :, 1::GRID_STEP], block.valid[:, :, 1::GRID_STEP]
        samples = np.concatenate(inputs, 1, dtype=np.float32)
        if isinstance(self.model.encoder, FusedEncoder):
            out = self.model.encoder.advance(samples, self.state.numpy(), block.rows)
        else:
            parts = [slice(start, start + BATCHES[-1]) for start in range(0, len(samples), BATCHES[-1])]
            with self._one_at_a_time:
                out = np.concatenate([self._run_rows(block.rows[part], samples[part]) for part in parts])
        if not np.isfinite(out).all():
            raise ModelError(f"The model {self.model.version} gave values that are not numbers.")
        return out

    def _run_rows(self, rows: np.ndarray, samples: np.ndarray) -> np.ndarray:
        """Gather the rows' state into a batch of a fixed size, run hops a fixed number at a time, and put it back."""
        size = next(size for size in BATCHES if size >= len(rows))
        state, index = self._batch[:size], torch.as_tensor(rows, device=self.state.device)
        torch.index_select(self.state, 0, index, out=state[: len(rows)])
        samples = np.pad(samples, ((0, size - len(rows)), (0, 0), (0, 0)))
        out, start = [], 0
        while start < samples.shape[2]:
            left = (samples.shape[2] - start) // HOP_INPUTS
            stop = start + HOP_INPUTS * next(run for run in self.hop_runs if run <= left)
            out.append(self._run(samples[:, :, start:stop], state)[: len(rows)])
            start = stop
        self.state.index_copy_(0, index, state[: len(rows)])
        return np.concatenate(out, 1)

    def _run(self, samples: np.ndarray, state: torch.Tensor) -> np.ndarray:
        """One call of the encoder, which overwrites ``state``."""
        try:
            with torch.no_grad():
                scores, _ = self.model.encoder(torch.as_tensor(samples, device=self.state.device), state)
        except RuntimeError as error:
            raise ModelError(f"The model {self.model.version} failed: {error}") from error
        return scores.cpu().numpy()

    def _withheld(self, block: Conditioned) -> tuple[np.ndarray, np.ndarray]:
        """Reason (R, n_hops) why scores are withheld, and whether beat probabilities are."""
        n_rows, n_hops = len(block.rows), block.n_hops
        now = np.ones((n_rows, n_hops), bool)  # some lead has signal
        gaps = ~block.valid.all(2).any(1)  # no lead has all of it
        by_hop = block.valid[gaps].reshape(gaps.sum(), N_LEADS, n_hops, HOP_SAMPLES)
        now[gaps] = by_hop.mean(3).max(1) >= USABLE_SHARE
        kept = np.concatenate((self.usable[block.rows], now), 1)
        self.usable[block.rows] = kept[:, n_hops:]
        counts = np.cumsum(np.pad(kept, ((0, 0), (1, 0))), 1)
        seen = counts[:, WINDOW_HOPS + 1 :] - counts[:, 1 : n_hops + 1]  # usable hops of the last WINDOW_HOPS
        settled = seen >= self.model.manifest.settling_hops
        why = np.where(block.reason == Reason.ABSENT, 255, block.reason).min(1)  # the best lead's
        why = np.where((why == Reason.OK) | (why == 255), Reason.MISSING, why)
        reason = np.where(now, np.where(settled, Reason.OK, Reason.SETTLING), why).astype(np.uint8)
        return reason, ~now | (seen < self.model.manifest.beat_settling_hops)


def _no_memory(n_rows: int, model: Model) -> torch.Tensor:
    """Zeros (n_rows, n_state); on the CPU, rows take memory only when they are written to."""
    return torch.as_tensor(untouched((n_rows, model.manifest.n_state), np.dtype(np.float32)), device=model.device)
