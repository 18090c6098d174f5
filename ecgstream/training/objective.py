"""The masked multi-task loss: every data set teaches the heads it has labels for, and leaves the others alone."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..models.encoder import HOP_TOKENS, Encoder
from ..models.streaming import N_CHANNELS
from . import labels
from .batches import NO_BEAT, NOT_SUPERVISED, Batch

CHUNK_HOPS = 5
BEAT_WEIGHTS = (1.0, 4.0, 2.0, 4.0, 2.0)
"""Rare classes count more; the shift this makes is taken back when beats are calibrated."""
RISE_HOPS = 60


class Pupil(nn.Module):
    """The encoder with heads that only training has."""

    def __init__(self, encoder: Encoder):
        super().__init__()
        self.encoder = encoder
        self.auxiliary = nn.Linear(encoder.pool_width, len(labels.AUXILIARY))

    def forward(self, samples: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits of scores and beats and the auxiliary outputs of whole strips (B, 32, 25 n), from an empty memory."""
        hops, tokens = self.features(samples)
        encoder = self.encoder
        hops = encoder.dropout(hops)
        return (
            encoder.score_head(hops).permute(1, 2, 0),
            encoder.beat_head(encoder.dropout(tokens)).permute(1, 2, 0),
            self.auxiliary(hops[: encoder.pool_width, :, -1].t()),
        )

    def features(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        """What the heads see of whole strips, from an empty memory: (channels, B, n) and (width, B, 5 n)."""
        encoder, batch = self.encoder, samples.shape[0]
        x, ring = encoder.empty(batch)
        history = samples.new_zeros(batch, N_CHANNELS, encoder.stem.history)
        samples = torch.cat((history, samples), 2)
        hops, tokens, _, _ = encoder.features(samples, encoder.maps(CHUNK_HOPS), x, ring)
        return hops, tokens


def losses(pupil: Pupil, batch: Batch) -> dict[str, Tensor]:
    """Each task's loss on a batch; tasks the batch does not teach give 0."""
    scores, beats, auxiliary = pupil(torch.from_numpy(batch.samples))
    targets = torch.from_numpy(batch.targets)
    known = ~targets.isnan()
    each = functional.binary_cross_entropy_with_logits(scores, targets.nan_to_num(), reduction="none") * known
    per_score = each.sum((0, 1)) / known.sum((0, 1)).clamp(min=1)
    n_super = len(labels.SUPERCLASSES)
    return {
        "superclasses": per_score[:n_super].mean(),
        "statements": per_score[n_super : labels.N_DIAGNOSES].mean(),
        "rhythm": per_score[labels.N_DIAGNOSES :].sum() / 2,
        "rises": 0.3 * _rises(scores, torch.from_numpy(batch.rises)),
        "auxiliary": 0.3 * _auxiliary(auxiliary, torch.from_numpy(batch.auxiliary)),
        "irregular": _irregular(beats, torch.from_numpy(batch.beats), targets[:, :, labels.AF]),
        **_beats(beats, torch.from_numpy(batch.beats)),
    }


def _rises(scores: Tensor, rises: Tensor) -> Tensor:
    """An alarm was true: somewhere in the last 12 s its score must rise (multiple-instance learning)."""
    rows = torch.nonzero(rises >= 0)[:, 0]
    if len(rows) == 0:
        return scores.new_zeros(())
    last = scores[rows, :, rises[rows]][:, -RISE_HOPS:]
    return functional.softplus(-last.amax(1)).mean()


def _irregular(logits: Tensor, target: Tensor, af: Tensor) -> Tensor:
    """Beats that come early in atrial fibrillation are not supraventricular ectopic ones.

    Records labelled AF have no beat labels: what the encoder itself takes for beats there must not be of class S.
    """
    here = (af == 1).repeat_interleave(HOP_TOKENS, 1) & (target == NOT_SUPERVISED)
    if not here.any():
        return logits.new_zeros(())
    beat = torch.sigmoid(-logits[here][:, NO_BEAT]).detach()
    others = torch.logsumexp(logits[here][:, [0, 2, 3, 4]], 1) - torch.logsumexp(logits[here][:, :NO_BEAT], 1)
    return -(beat * others).sum() / beat.sum().clamp(min=1)


def _auxiliary(out: Tensor, target: Tensor) -> Tensor:
    known = ~target.isnan()
    target = target.nan_to_num()
    age = functional.smooth_l1_loss(out[:, 0], target[:, 0], reduction="none")
    sex = functional.binary_cross_entropy_with_logits(out[:, 1], target[:, 1], reduction="none")
    return (torch.stack((age, sex), 1) * known).sum() / known.sum().clamp(min=1)


def _beats(logits: Tensor, target: Tensor) -> dict[str, Tensor]:
    """Whether there is a beat, and which: the last logit is that of none, the others are of classes given a beat."""
    known = target != NOT_SUPERVISED
    if not known.any():
        return {}
    logits, target = logits[known], target[known]
    none = (target == NO_BEAT).to(logits.dtype)
    found = functional.binary_cross_entropy_with_logits(logits[:, NO_BEAT], none)
    is_beat = target != NO_BEAT
    weight = torch.tensor(BEAT_WEIGHTS)
    which = functional.cross_entropy(logits[is_beat, :NO_BEAT], target[is_beat], weight=weight)
    return {"beat": found, "class": 2 * which}
