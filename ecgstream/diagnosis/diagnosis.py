"""The encoder at work on many beds, in whichever form the model has it: state, scores, and why there are none."""

from __future__ import annotations

import numpy as np
import torch

from ..errors import ModelError
from ..rows import untouched
from ..waveform import HOP_SAMPLES, N_LEADS, Conditioned, Reason, Scores
from .batches import LONG_RUNS, BatchedEncoder
from .fused import FusedEncoder
from .graphed import GraphedEncoder
from .model import Model
from .tokens import HOP_TOKENS, BeatProbs

GRID_STEP = 2
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
        self._encoder = rows_encoder(model)
        self.usable = np.zeros((n_rows, WINDOW_HOPS), bool)  # which of the last hops had signal, the newest last
        self.empty = np.ones(n_rows, bool)  # rows without memory: to clear them again would cost as much as a hop

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the scores, in order."""
        return self.model.manifest.names

    def warm_up(self) -> None:
        """Have TorchScript specialised before the first bed; other forms are ready once loaded."""
        if isinstance(self._encoder, BatchedEncoder):
            self._encoder.warm_up()

    def take_long_runs(self) -> None:
        """For whole recordings: as many hops in one call as a block may have."""
        if isinstance(self._encoder, BatchedEncoder):
            self._encoder.hop_runs = LONG_RUNS

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
        state = self.state.numpy() if self.state.device.type == "cpu" else self.state
        out = self._encoder.advance(samples, state, block.rows)
        if not np.isfinite(out).all():
            raise ModelError(f"The model {self.model.version} gave values that are not numbers.")
        return out

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


def rows_encoder(model: Model) -> FusedEncoder | GraphedEncoder | BatchedEncoder:
    """The model's encoder in the form that advances rows of an arena."""
    if isinstance(model.encoder, FusedEncoder | GraphedEncoder):
        return model.encoder
    return BatchedEncoder(model)


def _no_memory(n_rows: int, model: Model) -> torch.Tensor:
    """Zeros (n_rows, n_state); on the CPU, rows take memory only when they are written to."""
    shape = (n_rows, model.manifest.n_state)
    if model.device.type == "cpu":
        return torch.from_numpy(untouched(shape, np.dtype(np.float32)))
    return torch.zeros(shape, device=model.device)
