"""Does what an explanation calls important matter? Delete it, and delete as much elsewhere.

Deletion draws a straight line from the sample before to the sample after. Source of the idea: Samek et al., "Evaluating
the Visualization of What a Deep Neural Network Has Learned" (2017).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ..explanations.explanation import CELL, Explanation
from ..explanations.probe import Probe
from ..explanations.segments import Wave

SHARE = 0.1
DRAWS = 16


@dataclass(frozen=True, slots=True)
class Drops:
    """By how much the logit of the explained score falls; means over the draws where there are several."""

    top: float  # without the cells that contribute most
    shifted: float  # without as many cells in runs as long, elsewhere in time and in other leads
    top_waves: float  # without the marked waves that contribute most
    any_waves: float  # without other marked waves that last as long
    same_waves: float  # without as many of the same kinds of waves, in other leads and beats


def drops(probe: Probe, explanation: Explanation, rng: np.random.Generator) -> Drops:
    """Deletes SHARE of the window by cells of 40 ms, and by marked waves."""
    top = top_cells(explanation.cells)
    waves = marked_waves(explanation.waves)
    added = np.array([explanation.contributions[lead, start:stop].mean() for lead, start, stop, _ in waves])
    budget = SHARE * explanation.contributions.size
    chosen = first_within(np.argsort(-added), waves, budget)
    masks = [by_cell(top), of_waves(chosen, explanation)]
    for draw in (
        lambda: by_cell(elsewhere(top, rng)),
        lambda: of_waves(first_within(rng.permutation(len(waves)), waves, budget), explanation),
        lambda: of_waves(of_same_kinds(chosen, waves, rng), explanation),
    ):
        masks += [draw() for _ in range(DRAWS)]
    fallen = explanation.logit - _logits(probe, explanation, masks)
    anywhere, any_waves, same_waves = fallen[2:].reshape(3, DRAWS).mean(1).tolist()
    return Drops(float(fallen[0]), anywhere, float(fallen[1]), any_waves, same_waves)


def top_cells(cells: np.ndarray) -> np.ndarray:
    """bool (C, N): the SHARE of cells that contribute most."""
    most = np.argsort(-cells, axis=None, kind="stable")[: round(SHARE * cells.size)]
    mask = np.zeros(cells.size, bool)
    mask[most] = True
    return mask.reshape(cells.shape)


def elsewhere(mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The same runs of cells (C, N) in other leads, each lead's shifted in time by its own random amount."""
    leads = rng.permutation(len(mask))
    return np.stack([np.roll(mask[lead], rng.integers(mask.shape[1])) for lead in leads])


def by_cell(mask: np.ndarray) -> np.ndarray:
    """bool (C, T) of cells (C, N)."""
    return np.repeat(mask, CELL, axis=1)


Waves = list[tuple[int, int, int, int]]


def marked_waves(waves: np.ndarray) -> Waves:
    """(lead, start, stop, kind) of every P, QRS and T in ``waves`` (C, T)."""
    found = []
    for lead, row in enumerate(waves):
        edges = [0, *(np.flatnonzero(np.diff(row)) + 1).tolist(), len(row)]
        spans = zip(edges[:-1], edges[1:], strict=True)
        found += [(lead, start, stop, int(row[start])) for start, stop in spans if row[start] != Wave.BETWEEN]
    return found


def first_within(order: np.ndarray, waves: Waves, budget: float) -> Waves:
    """Waves in this order, as long as they last no more than ``budget`` samples together."""
    lasted = np.cumsum([waves[k][2] - waves[k][1] for k in order])
    return [waves[k] for k in order[: int(np.searchsorted(lasted, budget, side="right"))]]


def of_same_kinds(chosen: Waves, waves: Waves, rng: np.random.Generator) -> Waves:
    """As many P, QRS and T as are chosen, any ones."""
    drawn: Waves = []
    for kind in Wave:
        these = [wave for wave in waves if wave[3] == kind]
        wanted = sum(wave[3] == kind for wave in chosen)
        drawn += [these[k] for k in rng.choice(len(these), wanted, replace=False)] if wanted else []
    return drawn


def of_waves(chosen: Waves, explanation: Explanation) -> np.ndarray:
    """bool (C, T)."""
    mask = np.zeros(explanation.contributions.shape, bool)
    for lead, start, stop, _ in chosen:
        mask[lead, start:stop] = True
    return mask


def deleted(mv: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """``mv`` (C, T) with straight lines where ``mask``; level at the ends."""
    out, at = mv.copy(), np.arange(mv.shape[1])
    for lead, gone in enumerate(mask):
        if gone.any() and not gone.all():
            out[lead, gone] = np.interp(at[gone], at[~gone], mv[lead, ~gone])
    return out


def _logits(probe: Probe, explanation: Explanation, masks: list[np.ndarray]) -> np.ndarray:
    window, index = explanation.window, probe.names.index(explanation.score)
    mv = torch.from_numpy(np.stack([deleted(window.mv, mask) for mask in masks]))
    valid = torch.from_numpy(window.valid)
    with torch.no_grad():
        parts = [probe.logits(window.slots, part, valid.expand(len(part), -1, -1))[:, index] for part in mv.split(16)]
    return torch.cat(parts).numpy()
