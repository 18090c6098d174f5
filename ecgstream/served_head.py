"""A network over whole recordings as a daemon serves it: what it says of ten seconds of some beds."""

from __future__ import annotations

import numpy as np
import structlog
import torch

from .diagnosis.loader import traced
from .labelled.records import N_LEADS, RATE_HZ, SAMPLES
from .models.folder import Network
from .record_heads import MOST_ROWS

CROPS = 5

log = structlog.get_logger()


class Served:
    """A network as beds have it: traced, where it can be, for the crops of ten seconds; silent once it has failed."""

    def __init__(self, network: Network):
        self.name, self.version = network.manifest.name, network.version
        self.labels = network.manifest.labels
        self._network = network
        self._length = round(network.manifest.crop_s * RATE_HZ)
        self._at = np.unique(np.linspace(0, SAMPLES - self._length, CROPS).astype(int))  # one where a crop is all
        mv = torch.zeros((MOST_ROWS * len(self._at), N_LEADS, self._length))
        present = torch.ones(mv.shape[:2], dtype=torch.bool)
        self._says = traced(network.classifier, mv, present) if network.trunk.traceable else network.classifier

    def ask(self, mv: np.ndarray, present: np.ndarray) -> np.ndarray:
        """Probabilities (B, L) of ``mv`` float32 (B, 8, 2500) with leads ``present`` (B, 8); NaN once it has failed."""
        try:
            crops = np.concatenate([mv[:, :, at : at + self._length] for at in self._at])
            with torch.inference_mode():
                logits = self._says(torch.from_numpy(crops), torch.from_numpy(np.tile(present, (len(self._at), 1))))
            said = self._network.probability(logits.numpy().reshape(len(self._at), len(mv), -1).mean(axis=0))
        except Exception as error:  # rules and the other models outlive a head
            log.error("a head is silent from now on", head=self.version, fault=f"{type(error).__name__}: {error}")
            self.ask = lambda mv, present: np.full((len(mv), len(self.labels)), np.nan)
            return self.ask(mv, present)
        return said
