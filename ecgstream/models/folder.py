"""Directories of networks over whole recordings: ``weights.safetensors`` beside ``manifest.json`` and a card.

The manifest states the sha256 of the weights; what does not match is refused. Nothing here is ever unpickled.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from ..errors import ModelError
from ..model_folder import MANIFEST, read_stated, read_weights
from .trunk import Classifier, Trunk, build_trunk

SHIPPED = Path(__file__).parent / "weights"
FORMAT = "ecgstream-network-1"
WEIGHTS = "weights.safetensors"


@dataclass(frozen=True)
class NetworkManifest:
    """What a model directory states of its network."""

    format: str
    name: str  # of the model
    network: str  # name in ``trunk.TRUNKS``
    settings: dict[str, Any]  # the trunk is built from
    sha256: str  # of the weights
    n_parameters: int
    labels: tuple[str, ...]  # of the head, in order; none where the trunk alone is kept
    scale: tuple[float, ...]  # a label's probability is sigmoid(scale * mean logit + shift)
    shift: tuple[float, ...]
    thresholds: dict[str, float]  # a probability at or above it states the label
    crop_s: float  # logits are means over crops of this length
    seen: dict[str, list[str]]  # data set to the records trained or chosen on
    code_version: str


@dataclass(frozen=True)
class Network:
    """A loaded network, in evaluation mode on its device, and its manifest."""

    classifier: Classifier
    manifest: NetworkManifest

    @property
    def trunk(self) -> Trunk:
        """What makes embeddings."""
        return self.classifier.trunk

    @property
    def version(self) -> str:
        """Name and the first 12 digits of the sha256."""
        return f"{self.manifest.name}@{self.manifest.sha256[:12]}"

    def probability(self, logits: np.ndarray) -> np.ndarray:
        """Calibrated probabilities (N, L) of mean logits (N, L)."""
        scaled = np.asarray(self.manifest.scale) * logits + np.asarray(self.manifest.shift)
        return 1 / (1 + np.exp(-scaled))


def shipped_networks() -> dict[str, Path]:
    """Directories of the networks that come with the package, by name."""
    return {path.parent.name: path.parent for path in sorted(SHIPPED.glob(f"*/{MANIFEST}"))}


def load_network(folder: Path | str, device: str = "cpu") -> Network:
    """The network of a model directory, or of a shipped one by its name.

    Raises ModelError when a file is missing, altered, or not one of ours.
    """
    path = shipped_networks().get(str(folder), Path(folder))
    manifest = read_network_manifest(path)
    classifier = Classifier(build_trunk(manifest.network, manifest.settings), len(manifest.labels))
    try:
        weights = load(read_weights(path / WEIGHTS, manifest.sha256))
        classifier.load_state_dict({name: value.float() if value.is_floating_point() else value
                                    for name, value in weights.items()})  # fmt: skip
    except (SafetensorError, RuntimeError) as error:
        raise ModelError(f"{path / WEIGHTS} does not fit the network {manifest.network}: {error}") from error
    return Network(classifier.to(device).eval(), manifest)


def read_network_manifest(folder: Path) -> NetworkManifest:
    """Read and check ``manifest.json``; ModelError when it is missing or not one of ours."""
    stated = read_stated(folder, FORMAT, NetworkManifest, "train the model again")
    for name in ("labels", "scale", "shift"):
        stated[name] = tuple(stated[name])
    return NetworkManifest(**stated)


def save_network(
    classifier: Classifier,
    folder: Path,
    *,
    labels: Sequence[str] = (),
    scale: Sequence[float] | None = None,
    shift: Sequence[float] | None = None,
    half: bool = True,
    **stated: Any,
) -> NetworkManifest:
    """Write the weights (in half precision where ``half``) with a manifest of what is ``stated``."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = {name: _stored(value, half) for name, value in classifier.state_dict().items()}
    weights = save(kept)
    manifest = NetworkManifest(
        format=FORMAT,
        sha256=hashlib.sha256(weights).hexdigest(),
        n_parameters=sum(parameter.numel() for parameter in classifier.parameters()),
        labels=tuple(labels),
        scale=tuple(scale if scale is not None else [1.0] * len(labels)),
        shift=tuple(shift if shift is not None else [0.0] * len(labels)),
        **stated,
    )
    (folder / WEIGHTS).write_bytes(weights)
    (folder / MANIFEST).write_text(json.dumps(asdict(manifest), indent=1) + "\n")
    return manifest


def _stored(value: torch.Tensor, half: bool) -> torch.Tensor:
    value = value.detach().cpu().contiguous()
    return value.half() if half and value.is_floating_point() else value
