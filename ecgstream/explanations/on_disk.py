"""Whose scores can be explained: the models and heads that lie in the settings' folders, found by their versions."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import structlog

from ..diagnosis.model import SHIPPED
from ..model_folder import MANIFEST, folders_in
from ..record_heads import every_hops, hops_since_asked
from ..settings import DiagnosisSettings
from ..waveform import HOP_S, HOP_SAMPLES
from ..web.scores import NO_DIAGNOSIS
from ..wire import ecgstream_pb2 as pb

_MOST_COMBINATIONS = 64

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Scored:
    """Who states a score, and from which probability on it is a finding."""

    version: str  # name and first 12 digits of the sha256
    folder: Path
    threshold: float
    is_head: bool


class ModelsOnDisk:
    """What messages name is looked up once; a model that lies in none of the folders goes unexplained, and is logged.

    ``threshold`` is for scores whose manifest states none.
    """

    def __init__(self, settings: DiagnosisSettings, threshold: float):
        self._settings, self._threshold = settings, threshold
        self._every_hops = every_hops(settings.heads_every_s)
        self.scores = lru_cache(maxsize=_MOST_COMBINATIONS)(self._scores)

    def asked_ns(self, diagnosis: pb.Diagnosis, by: Scored) -> int:
        """Up to when the signal goes that a score is about: a head was asked some time ago, a model is at each hop."""
        if not by.is_head:
            return diagnosis.time_ns
        ago = hops_since_asked(diagnosis.stream_id, diagnosis.sample // HOP_SAMPLES, self._every_hops)
        return diagnosis.time_ns - round(ago * HOP_S * 1e9)

    def _scores(self, model: str, heads: tuple[str, ...]) -> dict[str, Scored]:
        """Every diagnosis of a model and of heads beside it, by its name."""
        ours = self._settings
        alone = [ours.model or SHIPPED, *([ours.shadow] if ours.shadow else []), *_inside(ours.candidates)]
        found = self._of(model.partition("+")[0], alone, False)  # behind a plus stands the precision
        for head in heads:
            found |= self._of(head, _inside(ours.heads), True)
        return {name: scored for name, scored in found.items() if not name.startswith(NO_DIAGNOSIS)}

    def _of(self, version: str, folders: Iterable[Path], is_head: bool) -> dict[str, Scored]:
        for folder in folders:
            stated = _stated(folder)
            if f"{stated.get('name')}@{str(stated.get('sha256'))[:12]}" == version:
                own = stated.get("thresholds", {})
                return {
                    name: Scored(version, folder, own.get(name, self._threshold), is_head)
                    for name in stated.get("labels") or stated.get("names", ())
                }
        if version:
            log.warning("scores of a model that does not lie here are not explained", model=version)
        return {}


def _inside(parent: Path | None) -> list[Path]:
    return [parent / name for name in folders_in(parent)]


def _stated(folder: Path) -> dict[str, Any]:
    """The manifest of a network or an encoder; nothing where it cannot be read: whoever loads it says why."""
    try:
        stated = json.loads((folder / MANIFEST).read_text())
    except (OSError, ValueError):
        return {}
    return stated if isinstance(stated, dict) else {}
