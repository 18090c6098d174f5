"""A linear probe: how much of the labels a frozen trunk already tells."""

from __future__ import annotations

import numpy as np
import torch

from ..labelled import LabelledRecords
from ..models.trunk import Trunk

BATCH = 64


def embeddings(trunk: Trunk, records: LabelledRecords) -> np.ndarray:
    """Embeddings float32 (N, D) of whole recordings, in evaluation mode."""
    device = next(trunk.parameters()).device
    trunk.eval()
    parts = []
    with torch.inference_mode():
        for begin in range(0, len(records), BATCH):
            rows = slice(begin, begin + BATCH)
            mv = torch.from_numpy(records.mv[rows].astype(np.float32)).to(device)
            present = torch.from_numpy(records.present[rows]).to(device)
            parts.append(trunk(mv, present)[0].cpu().numpy())
    return np.concatenate(parts)


def probe(train: np.ndarray, targets: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Scores (M, L) of ``test`` (M, D): a logistic regression a label, on ``train`` (N, D) and ``targets`` (N, L)."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    fitted = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000))
    return np.stack(
        [fitted.fit(train, targets[:, label]).decision_function(test) for label in range(targets.shape[1])], axis=1
    )
