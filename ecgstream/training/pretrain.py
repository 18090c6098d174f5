"""``ecgstream pretrain``: a network taught by unlabelled signal alone."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..labelled import RATE_HZ, SAMPLES
from ..models.card import Card, write_card
from ..models.ecg_jepa.encoder import PATCH, EcgJepa, patches_of
from ..models.ecg_jepa.masks import draw_masks
from ..models.ecg_jepa.objective import Jepa, teacher_keeps
from ..models.folder import NetworkManifest, save_network
from ..models.trunk import Classifier
from .loop import Schedule, train
from .unlabelled import Windows, read_unlabelled

MASKS = ("random", "blocks")
BATCH = 16
TWELVE_LEADS = 0.7
"""Of the steps, how many take windows with all eight leads; the others take a data set with fewer."""


def pretrain_folder(
    data: Path, out: Path, settings: dict[str, Any], schedule: Schedule, device: str, cache: Path
) -> NetworkManifest:
    """Pretrain ``ecg_jepa`` on all that is in ``data`` and write its model directory, without labels."""
    windows = read_unlabelled(data, cache)
    checkpoint = cache / f"pretrain-{out.name}-seed{schedule.seed}.pt"
    trunk = pretrain(windows, settings, schedule, device, checkpoint)
    seen = {part.data_set: sorted(set(part.record)) for part in windows}
    manifest = save_network(
        Classifier(trunk, 0),
        out,
        name=out.name,
        network="ecg_jepa",
        settings=settings,
        thresholds={},
        crop_s=SAMPLES / RATE_HZ,
        seen=seen,
        code_version=version("ecgstream"),
    )
    write_card(out, out.name, manifest.sha256, _card(windows, settings, schedule))
    checkpoint.unlink(missing_ok=True)
    return manifest


def _card(windows: list[Windows], settings: dict[str, Any], schedule: Schedule) -> Card:
    count: dict[str, int] = {}
    for part in windows:
        count[part.data_set] = count.get(part.data_set, 0) + len(part)
    return Card(
        what="A trunk without a head: ECG-JEPA (Kim 2024, arXiv 2410.08559), taught by predicting, in latent space, "
        f"hidden columns of an ECG. Settings: {settings}.",
        data="Signals alone, no labels; windows of 10 s: "
        + ", ".join(f"{name} {number}" for name, number in count.items())
        + ". All are PhysioNet's: PTB-XL CC BY 4.0 (Wagner 2020), the others ODC-BY 1.0.",
        split="Nothing is kept apart but MITDB's DS2: where a table tests on PTB-XL folds, the signals of the tested "
        "records (never their labels) were among these. `manifest.json` names every record.",
        metrics={"steps": schedule.steps, "windows a step": BATCH, "seed": schedule.seed},
        limits=(
            "It states nothing by itself: a head is to be taught, and tested on records of one's own.",
            "Leads whose names say nothing were taken for lead II.",
        ),
        how="python benchmarks/pretraining.py DATA --model DIRECTORY",
    )


def pretrain(
    windows: list[Windows],
    settings: dict[str, Any],
    schedule: Schedule,
    device: str = "cpu",
    checkpoint: Path | None = None,
) -> EcgJepa:
    """A trunk of these settings whose encoder is the teacher of the run; its first weights are the seed's, too."""
    torch.manual_seed(schedule.seed)
    trunk = EcgJepa(**settings)
    jepa = Jepa(trunk.encoder).to(device)

    def losses(step: int, rng: np.random.Generator) -> dict[str, torch.Tensor]:
        mv, leads = draw_windows(windows, BATCH, rng)
        masks = draw_masks(MASKS[step % 2], len(mv), SAMPLES // PATCH, rng)
        patches = patches_of(torch.from_numpy(mv).to(device))
        seen, hidden = (torch.from_numpy(each).to(device) for each in masks)
        present = torch.ones(patches.shape[:2], dtype=torch.bool, device=device)
        return {"jepa": jepa(patches, present, torch.from_numpy(leads).to(device), seen, hidden)}

    def after_step(step: int) -> None:
        jepa.move_teacher(teacher_keeps(step, schedule.steps))

    train(jepa, losses, schedule, checkpoint=checkpoint, after_step=after_step, title="pretraining")
    trunk.encoder.load_state_dict(jepa.teacher.state_dict())
    return trunk.cpu().eval()


def draw_windows(windows: list[Windows], batch: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """mV float32 (B, C, 2500) of windows with the same leads, and these leads (C,)."""
    most = max(len(part.leads) for part in windows)
    full = [part for part in windows if len(part.leads) == most]
    fewer = [part for part in windows if len(part.leads) < most]
    chosen = full if not fewer or rng.random() < TWELVE_LEADS else fewer
    size = np.array([len(part) for part in chosen], float)
    if chosen is fewer:
        size = np.sqrt(size)  # small data sets are heard, too
    part = chosen[rng.choice(len(chosen), p=size / size.sum())]
    rows = rng.choice(len(part), min(batch, len(part)), replace=False)
    return part.mv[np.sort(rows)].astype(np.float32), part.leads
