"""A trunk for diagnoses yet to come: taught statements, and beside them what every recording's own beats look like.

Recordings whose statements are withheld teach by their beats alone: a network that tells each beat's shape, width and
place among the others has most of what a statement is made of, whichever it is.
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..labelled import RATE_HZ, SAMPLES, LabelledRecords
from ..labelled.reading import read_ptbxl
from ..models.card import Card, write_card
from ..models.folder import NetworkManifest, save_network
from ..models.trunk import Classifier, Trunk, build_trunk
from .foundation import CNN_SETTINGS, DROPOUT, data_of, taught_by
from .loop import Schedule, train
from .own_beats import OwnBeats, own_beats
from .supervised import Teaching, crops_of, label_loss, rows_of_step

TEACHING = Teaching(crop_s=SAMPLES / RATE_HZ, batch=16, fewer_leads=0.15, test_crops=1, bf16=True)
"""Whole recordings, so that every beat's place among the tokens is known."""
STEPS, PEAK_RATE, AVERAGE = 3000, 3e-3, 0.99
COMPONENTS = 32
SAMPLES_PER_TOKEN = 48
THERE_SHARE = 0.3
"""Of the loss of whether a beat is there, which is soon learned."""


class BroadPupil(nn.Module):
    """The convolutional trunk with heads that only training has."""

    def __init__(self, n_labels: int, components: int):
        super().__init__()
        self.trunk = build_trunk("foundation_cnn", CNN_SETTINGS)
        self.dropout = nn.Dropout(DROPOUT)
        self.labels = nn.Linear(self.trunk.width, n_labels)
        self.record = nn.Linear(self.trunk.width, 3 + components)
        self.beat = nn.Linear(CNN_SETTINGS["widths"][-1], 4 + components)

    def forward(self, mv: Tensor, present: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits of labels (B, L), measures of the recording (B, 3 + C), and of each token (B, N, 4 + C)."""
        embedding, tokens = self.trunk(mv, present)
        embedding = self.dropout(embedding)
        return self.labels(embedding), self.record(embedding), self.beat(tokens)


def fit_broad(records: LabelledRecords, told: np.ndarray, seed: int, steps: int, checkpoint: Path | None) -> Trunk:
    """The convolutional trunk taught by ``records``; of those not ``told`` (bool, (N,)) no statement is read."""
    taught = taught_by(records.take(told))
    wanted = np.full((len(records), len(taught.labels)), np.nan, np.float32)
    wanted[told] = taught.targets
    tokens = -(-SAMPLES // SAMPLES_PER_TOKEN)
    own = own_beats(records, tokens, SAMPLES_PER_TOKEN, COMPONENTS)
    torch.manual_seed(seed)
    pupil = BroadPupil(len(taught.labels), COMPONENTS)

    def losses(step: int, rng: np.random.Generator) -> dict[str, Tensor]:
        rows = rows_of_step(len(records), TEACHING.batch, step, seed, None)
        mv, present = crops_of(records, rows, TEACHING, rng)
        with torch.autocast("cpu", torch.bfloat16, enabled=TEACHING.bf16):
            told_of = pupil(torch.from_numpy(mv), torch.from_numpy(present))
        return broad_losses(tuple(each.float() for each in told_of), torch.from_numpy(wanted[rows]), own, rows)

    schedule = Schedule(steps, seed, peak_rate=PEAK_RATE, average=AVERAGE)
    train(pupil, losses, schedule, checkpoint=checkpoint, title="trunk")
    return pupil.trunk


def broad_losses(
    told: tuple[Tensor, Tensor, Tensor], labels: Tensor, own: OwnBeats, rows: np.ndarray
) -> dict[str, Tensor]:
    """Losses by task of what ``BroadPupil`` told of ``rows``; what is not known teaches nothing."""
    logits, record, beat = told
    there = torch.from_numpy(own.there[rows])
    return {
        "labels": label_loss(logits, labels) if (~labels.isnan()).any() else logits.sum() * 0,
        "record": _known_loss(record, torch.from_numpy(own.record[rows])),
        "there": THERE_SHARE * label_loss(beat[..., 0], there),
        "beat": _known_loss(beat[..., 1:], torch.from_numpy(own.beat[rows])),
    }


def _known_loss(told: Tensor, wanted: Tensor) -> Tensor:
    known = ~wanted.isnan()
    return functional.smooth_l1_loss(told[known], wanted[known])


def pretrain_broad_folder(data: Path, out: Path, seed: int, steps: int, cache: Path) -> NetworkManifest:
    """Teach the trunk all of PTB-XL that is in ``data`` and write its model directory, which states nothing itself."""
    records = read_ptbxl(data, cache)
    checkpoint = cache / f"pretrain-{out.name}-seed{seed}.pt"
    trunk = fit_broad(records, np.ones(len(records), bool), seed, steps, checkpoint)
    manifest = save_network(
        Classifier(trunk, 0), out, name=out.name, network="foundation_cnn", settings=CNN_SETTINGS, thresholds={},
        crop_s=TEACHING.crop_s, seen={records.data_set: sorted(records.name)}, code_version=version("ecgstream"),
    )  # fmt: skip
    card = Card(
        what="A convolutional trunk without a head, taught statements and, without labels, the shape, width and "
        "intervals of every beat.",
        data=data_of(records),
        split="Nothing is kept apart: its worth is measured on trunks of five folds, by the command below.",
        metrics={"steps": steps, "recordings a step": TEACHING.batch, "seed": seed},
        limits=("It states nothing by itself: a head is to be taught, and tested on records of one's own.",),
        how="python benchmarks/transfer.py DATA",
    )
    write_card(out, out.name, manifest.sha256, card)
    checkpoint.unlink(missing_ok=True)
    return manifest
