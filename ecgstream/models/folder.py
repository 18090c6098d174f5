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
from scipy.special import expit

from ..errors import ModelError
from ..model_folder import MANIFEST, read_stated, read_weights, stated_format
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
    on_trunk: str = ""  # sha256 of the shipped network whose trunk this is a head on; empty: the weights hold it


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
        return expit(np.asarray(self.manifest.scale) * logits + np.asarray(self.manifest.shift))


def shipped_networks() -> dict[str, Path]:
    """Directories of the networks that come with the package, by name."""
    return {path.parent.name: path.parent for path in sorted(SHIPPED.glob(f"*/{MANIFEST}"))}


def load_network(folder: Path | str, device: str = "cpu") -> Network:
    """The network of a model directory, or of a shipped one by its name.

    Raises ModelError when a file is missing, altered, or not one of ours.
    """
    path = shipped_networks().get(str(folder), Path(folder))
    manifest = read_network_manifest(path)
    trunk = _trunk_of(manifest.on_trunk) if manifest.on_trunk else build_trunk(manifest.network, manifest.settings)
    classifier = Classifier(trunk, len(manifest.labels))
    part = classifier.head if manifest.on_trunk else classifier
    try:
        weights = load(read_weights(path / WEIGHTS, manifest.sha256))
        part.load_state_dict({key: _full(value) for key, value in weights.items()})
    except (SafetensorError, RuntimeError) as error:
        raise ModelError(f"{path / WEIGHTS} does not fit the network {manifest.network}: {error}") from error
    return Network(classifier.to(device).eval(), manifest)


def _trunk_of(sha256: str) -> Trunk:
    """The trunk of the shipped network whose weights have this sha256. Raises ModelError where there is none."""
    for path in shipped_networks().values():
        if stated_format(path) == FORMAT and read_network_manifest(path).sha256 == sha256:
            return load_network(path).trunk
    raise ModelError(
        f"The head stands on the trunk of a network with sha256 {sha256[:12]}…, which this version does not ship; "
        "fine-tune the head again."
    )


def _full(value: torch.Tensor) -> torch.Tensor:
    return value.float() if value.is_floating_point() else value


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
    """Write the weights (in half precision where ``half``) with a manifest of what is ``stated``; of a head
    ``on_trunk`` those of the head alone, in full precision."""
    folder.mkdir(parents=True, exist_ok=True)
    alone = bool(stated.get("on_trunk"))
    part = classifier.head if alone else classifier
    kept = {name: _stored(value, half and not alone) for name, value in part.state_dict().items()}
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
