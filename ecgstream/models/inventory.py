"""Every model that comes with the package, or lies in a directory: what it is, and whether its files are whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..diagnosis.loader import load_model
from ..diagnosis.model import SHIPPED as ENCODER
from ..errors import ModelError
from ..model_folder import MANIFEST, stated_format
from . import ensemble, folder
from .card import CARD, SHEET

STREAMING = "streaming"
"""The name of the encoder that the daemon runs."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One model, loaded and so found whole."""

    name: str
    folder: Path
    kind: str  # network, ensemble or streaming encoder
    version: str
    n_labels: int
    n_parameters: int
    size_mb: float  # of all its files


def shipped_models() -> dict[str, Path]:
    """Directories by name: the daemon's encoder, networks, ensembles."""
    return {STREAMING: ENCODER} | folder.shipped_networks()


def directory(name: str) -> Path:
    """Of a shipped model by name, or the path itself. Raises ModelError where there is no model."""
    path = shipped_models().get(name, Path(name))
    if not (path / MANIFEST).exists():
        raise ModelError(f"There is no model {name!r}: give a model directory or one of {', '.join(shipped_models())}.")
    return path


def verified(name: str) -> Entry:
    """Load a model, so that every hash is checked. Raises ModelError where a file is missing or altered."""
    path = directory(name)
    kind, version, n_labels, n_parameters = _loaded(path)
    size_mb = sum(file.stat().st_size for file in path.iterdir() if file.is_file()) / 1e6
    return Entry(name, path, kind, version, n_labels, n_parameters, size_mb)


def _loaded(path: Path) -> tuple[str, str, int, int]:
    form = stated_format(path)
    if form == folder.FORMAT:
        network = folder.load_network(path)
        kind = "head" if network.manifest.on_trunk else "network"
        return kind, network.version, len(network.manifest.labels), network.manifest.n_parameters
    if form == ensemble.FORMAT:
        stated = ensemble.read_ensemble(path)
        parameters = sum(_member(member, sha256) for member, sha256 in stated.members.items())
        return "ensemble", stated.version, len(stated.labels), parameters
    model = load_model(path, "cpu")
    return "streaming encoder", model.version, len(model.manifest.names), model.manifest.n_parameters


def _member(name: str, sha256: str) -> int:
    path = directory(name)
    stated = load_model(path, "cpu").manifest if name == STREAMING else folder.load_network(path).manifest
    ensemble.check_member(name, sha256, stated.sha256)
    return stated.n_parameters


def headline(path: Path) -> str:
    """The first figure of a model's card with its interval; empty where it has none."""
    sheet: dict[str, Any] = json.loads((path / SHEET).read_text()) if (path / SHEET).exists() else {}
    flat = dict(_flat(sheet.get("metrics", sheet.get("diagnoses", {}))))
    key = next((key for key in flat if key.endswith("auc")), None)
    return f"{key} {flat[key]}" if key else ""


def _flat(values: dict[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name} ")
        else:
            yield f"{before}{name}", value


def card_text(path: Path) -> str:
    """A model's card. Raises ModelError where it has none."""
    if not (path / CARD).exists():
        raise ModelError(f"{path} has no {CARD}; a model without a card states neither its data nor its limits.")
    return (path / CARD).read_text(encoding="utf-8")
