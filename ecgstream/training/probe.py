"""A linear probe: how much of the labels a frozen trunk already tells."""

from __future__ import annotations

import numpy as np
import torch

from ..labelled import LabelledRecords
from ..models.trunk import Classifier, Trunk
from .supervised import Teaching, device_of, predict_logits

BATCH = 64
STRENGTH = 0.01
"""Inverse strength of regularisation, on standardised embeddings."""


def embeddings(trunk: Trunk, records: LabelledRecords) -> np.ndarray:
    """Embeddings float32 (N, D) of whole recordings, in evaluation mode."""
    device = device_of(trunk)
    trunk.eval()
    parts = []
    with torch.inference_mode():
        for begin in range(0, len(records), BATCH):
            rows = slice(begin, begin + BATCH)
            mv = torch.from_numpy(records.mv[rows].astype(np.float32)).to(device)
            present = torch.from_numpy(records.present[rows]).to(device)
            parts.append(trunk(mv, present)[0].cpu().numpy())
    return np.concatenate(parts)


def crop_embeddings(trunk: Trunk, records: LabelledRecords, teaching: Teaching) -> np.ndarray:
    """Mean embeddings float32 (N, D) over crops, as a head's logits are means over them."""
    return predict_logits(_Embedding(trunk.eval()), records, teaching)


class _Embedding(torch.nn.Module):
    def __init__(self, trunk: Trunk):
        super().__init__()
        self.trunk = trunk

    def forward(self, mv: torch.Tensor, present: torch.Tensor) -> torch.Tensor:
        return self.trunk(mv, present)[0]


def probe(train: np.ndarray, targets: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Scores (M, L) of ``test`` (M, D): a logistic regression a label, on ``train`` (N, D) and ``targets`` (N, L)."""
    weight, bias = fit_lines(train, targets)
    return test @ weight.T + bias


def fit_lines(train: np.ndarray, targets: np.ndarray, class_weight: str | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Weights (L, D) and biases (L,) of a logistic regression a label, on embeddings as they are."""
    from sklearn.base import clone
    from sklearn.linear_model import LogisticRegression

    mean, spread = train.mean(0), train.std(0) + 1e-6
    scaled = (train - mean) / spread
    made = LogisticRegression(C=STRENGTH, max_iter=1000, class_weight=class_weight)
    fitted = [clone(made).fit(scaled, wanted) for wanted in targets.T]
    weight = np.concatenate([each.coef_ for each in fitted]) / spread
    return weight, np.concatenate([each.intercept_ for each in fitted]) - weight @ mean


@torch.no_grad()
def put_head(classifier: Classifier, train: np.ndarray, targets: np.ndarray, class_weight: str | None = None) -> None:
    """Have fine-tuning begin with the probe's head: a random one would first spoil what the trunk knows (Kumar et al.,
    "Fine-Tuning can Distort Pretrained Features", 2022)."""
    weight, bias = fit_lines(train, targets, class_weight)
    classifier.head.weight.copy_(torch.from_numpy(weight))
    classifier.head.bias.copy_(torch.from_numpy(bias))
