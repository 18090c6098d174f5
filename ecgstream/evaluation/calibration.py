"""Whether probabilities mean what they say: drawn, and as one figure."""

from __future__ import annotations

from pathlib import Path

import numpy as np

EDGES = np.linspace(0, 1, 11)
FEWEST = 10
"""Statements in a bin that is drawn."""


def reliability(truth: np.ndarray, probability: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each tenth of probabilities: mean probability, share that was true, how many (10,); NaN where none."""
    known = ~(np.isnan(truth) | np.isnan(probability))
    said, true = probability[known], truth[known]
    place = np.clip(np.digitize(said, EDGES) - 1, 0, len(EDGES) - 2)
    count = np.bincount(place, minlength=len(EDGES) - 1)
    sums = [np.bincount(place, values, len(EDGES) - 1) for values in (said, true)]
    mean, share = (np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0) for total in sums)
    return mean, share, count


def expected_error(truth: np.ndarray, probability: np.ndarray) -> float:
    """Mean distance between what is said and what is, weighted by how often it is said (Naeini et al. 2015)."""
    mean, share, count = reliability(truth, probability)
    return float(np.nansum(np.abs(mean - share) * count) / max(count.sum(), 1))


def draw_calibration(truth: np.ndarray, probability: np.ndarray, title: str, path: Path) -> None:
    """PNG of stated against found shares, all labels together."""
    from matplotlib.figure import Figure

    mean, share, count = reliability(truth, probability)
    drawn = count >= FEWEST
    spread = 1.96 * np.sqrt(share * (1 - share) / np.maximum(count, 1))
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    axes.errorbar(mean[drawn], share[drawn], spread[drawn], fmt="o-", color="C0", capsize=3)
    for x, y, n in zip(mean[drawn], share[drawn], count[drawn], strict=True):
        axes.annotate(f"{n:,}", (x, y), textcoords="offset points", xytext=(6, -12), fontsize=7, color="0.4")
    error = expected_error(truth, probability)
    axes.set(
        xlabel="stated probability", ylabel="share that has the label", xlim=(0, 1), ylim=(0, 1),
        title=f"{title}\nexpected calibration error {error:.3f}",
    )  # fmt: skip
    figure.savefig(path, dpi=150, format="png")
