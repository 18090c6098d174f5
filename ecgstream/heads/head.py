"""Head directories: ``trees.txt`` (LightGBM's text form) beside ``manifest.json``, which states its sha256."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..model_folder import MANIFEST, read_stated, read_weights
from .trees import Trees

if TYPE_CHECKING:
    import lightgbm

SHIPPED = Path(__file__).parent / "weights"
FORMAT = "ecgstream-head-1"
_TREES = "trees.txt"


@dataclass(frozen=True)
class HeadManifest:
    """What a head directory states of its trees."""

    format: str
    name: str
    sha256: str
    features: tuple[str, ...]  # in the order of the columns
    classes: tuple[str, ...]  # two or more; of two, the trees give the probability of the second
    thresholds: dict[str, float]  # by class or finding, chosen on training data
    seen: dict[str, list[str]]  # data set to the records that these trees were fitted or chosen on


@dataclass(frozen=True)
class Head:
    """Trees and their manifest."""

    trees: Trees
    manifest: HeadManifest

    def probability(self, features: np.ndarray) -> np.ndarray:
        """Probability of every class (N, K) from ``features`` (N, F); NaN stands for what is not known."""
        if not len(features):
            return np.empty((0, len(self.manifest.classes)))
        found = self.trees.predict(features)
        return np.stack([1 - found, found], axis=1) if found.ndim == 1 else found

    @property
    def version(self) -> str:
        """Name and the first 12 digits of the sha256."""
        return f"{self.manifest.name}@{self.manifest.sha256[:12]}"


def load_head(name: str, folder: Path | None = None) -> Head:
    """The shipped head of this name, or the one in ``folder``.

    Raises ModelError when a file is missing, altered, or not one of ours.
    """
    folder = SHIPPED / name if folder is None else Path(folder)
    manifest = read_manifest(folder)
    text = read_weights(folder / _TREES, manifest.sha256).decode()
    return Head(Trees(text), manifest)


def read_manifest(folder: Path) -> HeadManifest:
    """Read and check ``manifest.json``; ModelError when it is missing or not one of ours."""
    stated = read_stated(folder, FORMAT, HeadManifest, "fit the head again")
    return HeadManifest(**{**stated, "features": tuple(stated["features"]), "classes": tuple(stated["classes"])})


def save_head(trees: lightgbm.Booster, folder: Path, **stated: Any) -> HeadManifest:
    """Write ``trees`` with a manifest of what is ``stated`` (the fields of HeadManifest)."""
    folder.mkdir(parents=True, exist_ok=True)
    text = trees.model_to_string()
    manifest = HeadManifest(format=FORMAT, sha256=hashlib.sha256(text.encode()).hexdigest(), **stated)
    (folder / _TREES).write_text(text)
    (folder / MANIFEST).write_text(json.dumps(asdict(manifest), indent=1) + "\n")
    return manifest
