"""An explanation: contributions of leads, waves and cells of 40 ms to one score of one window."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import expit

from ..errors import ModelError
from ..waveform import GRID_HZ
from .attribution import Method, attribute, method_for, stated
from .probe import Probe
from .segments import NAMES, Wave, has_marks, waves_by_beats, waves_by_marks
from .window import Window

FORMAT = "ecgstream-explanation-1"
CELL = 10
CELL_S = CELL / GRID_HZ
_DARKEST_SHARE = 0.99


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a model scores a window as it does. Contributions are in logits, and add up to the signal's whole effect."""

    window: Window
    model: str
    score: str
    logit: float
    logit_of_nothing: float  # with the same leads at 0 mV
    method: Method
    contributions: np.ndarray  # float32 (C, T)
    waves: np.ndarray  # int8 (C, T), Wave
    waves_by: str  # marks, beats

    @property
    def probability(self) -> float:
        """As the daemon publishes it."""
        return float(expit(self.logit))

    @property
    def cells(self) -> np.ndarray:
        """Contributions of cells of CELL_S: float32 (C, T / CELL)."""
        return self.contributions.reshape(len(self.contributions), -1, CELL).sum(2)

    @property
    def shade(self) -> np.ndarray:
        """What speaks for the score, cell by cell, 0 to 1: float32 (C, T / CELL)."""
        cells = np.maximum(self.cells, 0)
        most = np.quantile(cells, _DARKEST_SHARE)
        return np.clip(cells / most, 0, 1) if most > 0 else cells

    def document(self) -> dict[str, Any]:
        """As JSON."""
        leads = self.window.leads
        return {
            "format": FORMAT,
            "recording": self.window.name,
            "model": self.model,
            "score": self.score,
            "probability": round(self.probability, 4),
            "logit": round(self.logit, 4),
            "logit_of_nothing": round(self.logit_of_nothing, 4),
            "method": self.method,
            "not_accounted_for": round(self.logit - self.logit_of_nothing - float(self.contributions.sum()), 4),
            "from_s": round(float(self.window.time_s[0]), 3),
            "to_s": round(float(self.window.time_s[-1]), 3),
            "waves_by": self.waves_by,
            "leads": {lead: self._sums(k) for k, lead in enumerate(leads)},
            "all": self._sums(slice(None)),
            "cell_s": CELL_S,
            "cells": {lead: np.round(row, 4).tolist() for lead, row in zip(leads, self.cells, strict=True)},
        }

    def _sums(self, which: int | slice) -> dict[str, dict[str, float]]:
        """What speaks for the score and against it, in all and by wave."""
        added, waves = self.contributions[which], self.waves[which]
        parts = {"all": added} | {NAMES[wave]: added[waves == wave] for wave in Wave}
        return {
            name: {
                "for": round(float(np.maximum(part, 0).sum()), 4),
                "against": round(float(np.minimum(part, 0).sum()), 4),
            }
            for name, part in parts.items()
        }


def likeliest(probe: Probe, logits: np.ndarray) -> str:
    """Of all scores but noise, that with the greatest of the ``logits`` (S,)."""
    return max((name for name in probe.names if name != "noise"), key=lambda name: logits[probe.names.index(name)])


def explain(
    probe: Probe, window: Window, score: str | None, method: Method | None = None, marks: Path | None = None
) -> Explanation:
    """Explain a score by name; None: the likeliest one but noise. ``method`` None: gradients where the score has one.
    ``marks``: a record whose waves may be marked.

    Raises ModelError where the model has no such score.
    """
    found, nothing = stated(probe, window)
    score = score or likeliest(probe, found)
    if score not in probe.names:
        raise ModelError(f"{probe.version} has no score {score!r}; it has {', '.join(probe.names)}.")
    index = probe.names.index(score)
    method = method or method_for(probe, window, index)
    if marks is not None and has_marks(marks, window.leads):
        waves, waves_by = waves_by_marks(window.time_s, window.beats_s, marks, window.leads), "marks"
    else:
        by_beats = waves_by_beats(window.time_s, window.beats_s)
        waves, waves_by = np.broadcast_to(by_beats, window.mv.shape), "beats"
    return Explanation(
        window=window,
        model=probe.version,
        score=score,
        logit=float(found[index]),
        logit_of_nothing=float(nothing[index]),
        method=method,
        contributions=attribute(probe, window, index, method),
        waves=waves,
        waves_by=waves_by,
    )
