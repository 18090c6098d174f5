"""Directories of what was trained: a file of weights beside ``manifest.json``, which states its sha256."""

from __future__ import annotations

import hashlib
import json
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from .errors import ModelError

MANIFEST = "manifest.json"


def read_stated(folder: Path, form: str, manifest: type, remedy: str) -> dict[str, Any]:
    """What the manifest of ``folder`` states: the fields of the dataclass ``manifest``, ``format`` being ``form``;
    those that have a default may be left out.

    Raises ModelError when it is missing or not one of ours; the sentence ends in ``remedy``.
    """
    path = folder / MANIFEST
    try:
        stated: dict[str, Any] = json.loads(_read(path))
    except ValueError as error:
        raise ModelError(f"{path} is not JSON ({error}); {remedy}.") from error
    known = {item.name for item in fields(manifest)}
    wanted = {item.name for item in fields(manifest) if item.default is MISSING and item.default_factory is MISSING}
    if not isinstance(stated, dict) or stated.get("format") != form or not wanted <= set(stated) <= known:
        found = stated.get("format") if isinstance(stated, dict) else type(stated).__name__
        raise ModelError(f"{path} is not a manifest of format {form!r} (found {found!r}); {remedy}.")
    return stated


def stated_format(folder: Path) -> str:
    """The ``format`` that the manifest of ``folder`` states; empty where it states none. ModelError when unreadable."""
    try:
        stated = json.loads(_read(folder / MANIFEST))
    except ValueError:
        return ""
    return str(stated.get("format", "")) if isinstance(stated, dict) else ""


def folders_in(parent: Path | None) -> list[str]:
    """Names of the directories in ``parent``, in order; none where it is none."""
    return sorted(path.name for path in parent.iterdir() if path.is_dir()) if parent and parent.is_dir() else []


def read_weights(path: Path, sha256: str) -> bytes:
    """A file whose manifest states ``sha256``; ModelError when it is missing or altered."""
    weights = _read(path)
    found = hashlib.sha256(weights).hexdigest()
    if found != sha256:
        raise ModelError(
            f"The sha256 of {path} must be {sha256[:12]}… as its manifest states; it is {found[:12]}…. The file was "
            "altered or belongs to another directory: copy the whole directory again."
        )
    return weights


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"A model directory holds {MANIFEST} and the weights; {path} cannot be read: {error.strerror}."
        ) from error
