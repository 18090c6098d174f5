"""The class of a beat, fitted once more on the finished trunk, from more people than have beat labels.

Eighteen records teach a whole network eighteen people. The trunk stays; the linear map from its tokens to beat classes
is fitted anew on annotated records together with plain one-lead records, whose normal beats, made premature, serve as
class S.
"""

from __future__ import annotations

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression

from ..models.encoder import Encoder
from .batches import NO_BEAT, NOT_SUPERVISED, Sources, beat_batch
from .objective import BEAT_WEIGHTS, Pupil

BATCHES, STRIPS = 120, 16


def refit_beats(encoder: Encoder, sources: Sources, seed: int) -> None:
    """Replace the class rows of ``encoder.beat_head`` by a multinomial logistic regression; in place."""
    tokens, classes = _beat_tokens(encoder, sources, np.random.default_rng(seed))
    weight = np.array(BEAT_WEIGHTS)[classes]
    fitted = LogisticRegression(C=1e-3, max_iter=300).fit(tokens, classes, sample_weight=weight)
    with torch.no_grad():
        encoder.beat_head.weight[fitted.classes_] = torch.tensor(fitted.coef_, dtype=torch.float32)
        encoder.beat_head.bias[fitted.classes_] = torch.tensor(fitted.intercept_, dtype=torch.float32)


def _beat_tokens(encoder: Encoder, sources: Sources, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """What the head sees (K, D) at tokens of beats, and their classes (K,)."""
    pupil = Pupil(encoder).eval()
    tokens, classes = [], []
    for _ in range(BATCHES):
        batch = beat_batch(sources, STRIPS, rng)
        with torch.no_grad():
            seen = pupil.features(torch.from_numpy(batch.samples))[1].permute(1, 2, 0).numpy()
        beats = (batch.beats != NO_BEAT) & (batch.beats != NOT_SUPERVISED)
        tokens.append(seen[beats])
        classes.append(batch.beats[beats])
    return np.concatenate(tokens), np.concatenate(classes)
