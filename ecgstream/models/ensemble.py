"""Several models asked together: a record's logits are weighted means over the members that have not seen it.

A directory holds only ``manifest.json``: which members, by shipped name and sha256, and what their mean is worth.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from ..errors import ModelError
from ..model_folder import MANIFEST, read_stated

FORMAT = "ecgstream-ensemble-1"


@dataclass(frozen=True)
class EnsembleManifest:
    """What an ensemble states of itself."""

    format: str
    name: str
    members: dict[str, str]  # shipped name to the sha256 of its weights
    weights: dict[str, float]  # of each member's logits in the mean
    labels: tuple[str, ...]
    scale: tuple[float, ...]  # a label's probability is sigmoid(scale * mean logit + shift)
    shift: tuple[float, ...]
    thresholds: dict[str, float]
    code_version: str

    @property
    def sha256(self) -> str:
        """Of the members' hashes: another member, another ensemble."""
        return hashlib.sha256(" ".join(self.members.values()).encode()).hexdigest()

    @property
    def version(self) -> str:
        """Name and the first 12 digits of the sha256."""
        return f"{self.name}@{self.sha256[:12]}"


def read_ensemble(folder: Path) -> EnsembleManifest:
    """Read and check ``manifest.json``; ModelError when it is missing or not one of ours."""
    stated = read_stated(folder, FORMAT, EnsembleManifest, "make the ensemble again")
    for name in ("labels", "scale", "shift"):
        stated[name] = tuple(stated[name])
    return EnsembleManifest(**stated)


def save_ensemble(manifest: EnsembleManifest, folder: Path) -> None:
    """Write ``manifest.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST).write_text(json.dumps(asdict(manifest), indent=1) + "\n")


def check_member(name: str, sha256: str, found: str) -> None:
    """ModelError where a member is not the one the ensemble was measured with."""
    if found != sha256:
        raise ModelError(
            f"The ensemble was measured with {name}@{sha256[:12]}; there is {name}@{found[:12]}. "
            "Make the ensemble again."
        )
