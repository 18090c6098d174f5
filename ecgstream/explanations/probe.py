"""A model as attribution takes it: logits of its scores, differentiable in the samples of the leads there are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ..diagnosis.loader import load_weights
from ..errors import ModelError
from ..labelled import LEADS as NETWORK_LEADS
from ..labelled.records import SAMPLES, SLOTS
from ..model_folder import MANIFEST
from ..models.encoder import GRID_STEP
from ..models.folder import FORMAT, Network, load_network, shipped_networks
from ..models.streaming import N_CHANNELS, STRIDE_HOPS, rebuilt
from ..waveform import GRID_HZ, HOP_SAMPLES, N_LEADS

NETWORK_SLOTS = SLOTS.tolist()
CROPS = 5
"""As many as ``training.supervised`` averages."""


class Probe(Protocol):
    """A model whose scores can be explained."""

    names: tuple[str, ...]  # of the scores
    version: str

    def logits(self, slots: np.ndarray, mv: Tensor, valid: Tensor) -> Tensor:
        """Logits (B, S) at the end of ``mv`` float32 (B, C, T), the leads ``slots`` at GRID_HZ; ``valid`` bool."""
        ...

    def looks_at(self, slots: np.ndarray, n_samples: int) -> tuple[Tensor, int]:
        """What of such a window can change a logit: leads, as int64 places in ``slots``, and the first sample."""
        ...


class EncoderProbe:
    """The streaming encoder from a cold start, rebuilt from the weights that are served; its calibrated logits."""

    def __init__(self, folder: Path | None = None):
        """Of a model directory, or the shipped one. Raises ModelError."""
        weights, manifest = load_weights(folder)
        self.names, self.thresholds = manifest.names, manifest.thresholds
        self.version = f"{manifest.name}@{manifest.sha256[:12]}"
        self._model = rebuilt(weights).requires_grad_(False)
        self._maps = {hops: self._model.encoder.maps(hops) for hops in (1, STRIDE_HOPS)}

    def logits(self, slots: np.ndarray, mv: Tensor, valid: Tensor) -> Tensor:
        """As the protocol says."""
        model, where = self._model, torch.as_tensor(slots)
        hops = mv.shape[2] // HOP_SAMPLES
        samples = mv.new_zeros((len(mv), N_CHANNELS, model.history + mv.shape[2] // GRID_STEP))
        for first, part in ((0, mv), (N_LEADS, valid.to(mv.dtype))):
            padded = functional.pad(part[:, :, 1::GRID_STEP], (model.history, 0))
            samples = samples.index_copy(1, where + first, padded)
        maps = self._maps[STRIDE_HOPS if hops % STRIDE_HOPS == 0 else 1]
        x, ring = model.encoder.empty(len(mv))
        features, _, _, _ = model.encoder.features(samples, maps, x, ring)
        last = model.encoder.score_head(features[:, :, -1:])[:, :, 0].T
        return last * model.score_scale + model.score_shift

    def looks_at(self, slots: np.ndarray, n_samples: int) -> tuple[Tensor, int]:
        """All of it."""
        return torch.arange(len(slots)), 0


class NetworkProbe:
    """A network over whole recordings, on the last of the window: logits averaged over crops, calibrated."""

    def __init__(self, network: Network):
        self._network = network
        self.names, self.version = network.manifest.labels, network.version
        self._scale, self._shift = (torch.tensor(each) for each in (network.manifest.scale, network.manifest.shift))
        network.classifier.requires_grad_(False)

    def logits(self, slots: np.ndarray, mv: Tensor, valid: Tensor) -> Tensor:
        """As the protocol says; leads that the network does not take change nothing."""
        ours, places = self._taken(slots)
        mv, valid = mv[:, :, -SAMPLES:], valid[:, :, -SAMPLES:]
        samples = mv.new_zeros((len(mv), len(NETWORK_SLOTS), mv.shape[2])).index_copy(1, places, mv[:, ours])
        present = torch.zeros(samples.shape[:2], dtype=torch.bool).index_copy(1, places, valid[:, ours].any(2))
        length = min(round(self._network.manifest.crop_s * GRID_HZ), samples.shape[2])
        starts = np.unique(np.linspace(0, samples.shape[2] - length, CROPS).astype(int))  # one of all that there is
        crops = [self._network.classifier(samples[:, :, at : at + length], present) for at in starts]
        return torch.stack(crops).mean(0) * self._scale + self._shift

    def looks_at(self, slots: np.ndarray, n_samples: int) -> tuple[Tensor, int]:
        """The leads it takes of the last ten seconds."""
        return self._taken(slots)[0], max(0, n_samples - SAMPLES)

    def _taken(self, slots: np.ndarray) -> tuple[Tensor, Tensor]:
        """Places in ``slots`` of the leads it takes, and their places in it. ModelError where it takes none."""
        taken = [(k, NETWORK_SLOTS.index(slot)) for k, slot in enumerate(slots.tolist()) if slot in NETWORK_SLOTS]
        if not taken:
            raise ModelError(f"{self.version} takes the leads {', '.join(NETWORK_LEADS)}; the window has none of them.")
        ours, places = (torch.tensor(each) for each in zip(*taken, strict=True))
        return ours, places


def load_probe(model: str | None = None) -> Probe:
    """Of a model directory of either kind, or of a shipped network by its name; None: the shipped encoder.

    Raises ModelError.
    """
    if model is None:
        return EncoderProbe()
    if model in shipped_networks() or _is_network(Path(model)):
        return NetworkProbe(load_network(model))
    return EncoderProbe(Path(model))


def _is_network(folder: Path) -> bool:
    try:
        return json.loads((folder / MANIFEST).read_text()).get("format") == FORMAT
    except (OSError, ValueError, AttributeError):
        return False  # EncoderProbe says what is wrong with it
