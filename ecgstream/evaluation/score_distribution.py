"""How a model's scores are distributed over records kept from training: what drift in service is measured against."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..diagnosis import Manifest
from ..diagnosis.distribution import SCORE_EDGES, count_scores
from ..training.predict import Prediction


def score_distribution(manifest: Manifest, told: Iterable[Prediction]) -> dict[str, Any]:
    """Share of hops with a score up to each edge, by score; every record counts alike, its settling hops not at all."""
    shares = []
    for prediction in told:
        settled = prediction.scores[manifest.settling_hops :]
        if len(settled):
            shares.append(count_scores(settled).cumsum(axis=1) / len(settled))
    mean = np.mean(shares, axis=0).round(4)
    at_most = dict(zip(manifest.names, mean.tolist(), strict=True))
    return {"records": len(shares), "edges": list(SCORE_EDGES), "share_at_most": at_most}
