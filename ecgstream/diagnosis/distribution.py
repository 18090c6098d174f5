"""How scores are distributed: counted in service, and as a model's card states it of records kept from training."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from .kernels import tally

SCORE_EDGES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1.0)
"""Upper edges of the buckets; most scores lie near zero."""
CARD_SHEET = "card.json"
_BETWEEN = np.array(SCORE_EDGES[:-1])


def count_scores(values: np.ndarray) -> np.ndarray:
    """How many of ``values`` (…, S) lie in each bucket: int64 (S, edges); NaN, a withheld score, in none."""
    counts = np.zeros((values.shape[-1], len(SCORE_EDGES)), np.int64)
    add_scores(values, counts, np.zeros(len(counts)))
    return counts


def add_scores(values: np.ndarray, counts: np.ndarray, sums: np.ndarray) -> None:
    """Add ``values`` (…, S) to their ``counts`` by bucket, int64 (S, edges), and to their ``sums`` (S,); a score of
    exactly an edge lies below it, as Prometheus has it."""
    tally(values.reshape(-1, values.shape[-1]), _BETWEEN, counts, sums)


def card_distribution(folder: Path) -> dict[str, list[float]]:
    """Share of hops with a score up to each of ``SCORE_EDGES``, by score, as the card of a model directory states it;
    empty where it has no card, or one that does not say."""
    path = folder / CARD_SHEET
    stated = json.loads(path.read_text()).get("scores", {}) if path.exists() else {}
    return stated.get("share_at_most", {}) if stated.get("edges") == list(SCORE_EDGES) else {}
