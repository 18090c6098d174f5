"""An exported encoder over whole examples: what a bed would see, many at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..diagnosis import Model
from ..models.encoder import HOP_INPUTS, HOP_TOKENS, N_BEAT
from ..waveform import N_LEADS
from .examples import Example

BATCH = 32
PIECE_HOPS = 50


@dataclass(slots=True)
class Prediction:
    """What the encoder says of one example of H hops, nothing withheld."""

    scores: np.ndarray  # float32 (H, S)
    beats: np.ndarray  # float32 (5 H, 6), N S V F Q none


def predict(model: Model, examples: Sequence[Example]) -> list[Prediction]:
    """Predictions in the order of ``examples``; those of like length share a batch."""
    order = np.argsort([each.mv.shape[1] for each in examples], kind="stable")
    found: dict[int, Prediction] = {}
    for start in range(0, len(order), BATCH):
        part = order[start : start + BATCH]
        hops = [examples[i].mv.shape[1] // HOP_INPUTS for i in part]
        out = _run(model, _stacked([examples[i] for i in part], max(hops)))
        for i, each, n_hops in zip(part, out, hops, strict=True):
            found[i] = _split(each[:n_hops], len(model.manifest.names))
    return [found[i] for i in range(len(examples))]


def _stacked(examples: Sequence[Example], n_hops: int) -> np.ndarray:
    """Inputs float32 (B, 32, 25 n_hops); what lies beyond an example's end is not valid."""
    inputs = np.zeros((len(examples), 2 * N_LEADS, n_hops * HOP_INPUTS), np.float32)
    for row, each in zip(inputs, examples, strict=True):
        row[each.slots, : each.mv.shape[1]] = each.mv
        row[N_LEADS + each.slots, : each.mv.shape[1]] = each.valid
    return inputs


def _run(model: Model, inputs: np.ndarray) -> np.ndarray:
    state = torch.zeros((len(inputs), model.manifest.n_state), device=model.device)
    out = []
    with torch.inference_mode():
        for start in range(0, inputs.shape[2], PIECE_HOPS * HOP_INPUTS):
            piece = torch.from_numpy(inputs[:, :, start : start + PIECE_HOPS * HOP_INPUTS]).to(model.device)
            scores, state = model.encoder(piece, state)
            out.append(scores.cpu().numpy())
    return np.concatenate(out, 1)


def _split(out: np.ndarray, n_scores: int) -> Prediction:
    return Prediction(out[:, :n_scores], out[:, n_scores:].reshape(len(out) * HOP_TOKENS, N_BEAT))
