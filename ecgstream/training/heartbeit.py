"""Pretraining of HeartBEiT: first the words, then guessing those that are hidden."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss

from ..labelled import N_LEADS, RATE_HZ, SAMPLES
from ..models.card import Card, write_card
from ..models.folder import NetworkManifest, save_network
from ..models.heartbeit.codebook import perplexity
from ..models.heartbeit.patches import PATCH, signal_patches
from ..models.heartbeit.tokenizer import Tokenizer
from ..models.heartbeit.vit import HeartBeit
from ..models.trunk import Classifier
from .loop import Schedule, train
from .pretrain import BATCH, draw_windows
from .unlabelled import Windows, read_unlabelled

COLUMNS = SAMPLES // PATCH
HIDDEN = 0.4
"""Of all patches (Vaid et al. 2023)."""
WIDEST = 10
TOKENIZER_SHARE = 0.25
"""Of the steps, how many make the words."""


@dataclass(frozen=True, slots=True)
class Pretrained:
    """A trunk, and what is to be known of how it came about."""

    trunk: HeartBeit
    words: int
    perplexity: float  # of the words over windows
    words_used: float  # share of the words that occur there
    unexplained: float  # share of the signal's power that the words do not say again
    perplexity_beside: (
        float  # of hidden words, beside what is not hidden: that of a network that knows nothing is higher
    )
    guessed: float  # share of hidden words guessed


def pretrain_heartbeit_folder(
    data: Path, out: Path, settings: dict[str, Any], schedule: Schedule, device: str, cache: Path
) -> NetworkManifest:
    """Pretrain ``heartbeit`` on all that is in ``data`` and write its model directory, without labels."""
    windows = read_unlabelled(data, cache)
    checkpoint = cache / f"pretrain-{out.name}-seed{schedule.seed}.pt"
    found = pretrain_heartbeit(windows, settings, schedule, device, checkpoint)
    manifest = save_network(
        Classifier(found.trunk, 0),
        out,
        name=out.name,
        network="heartbeit",
        settings=settings,
        thresholds={},
        crop_s=SAMPLES / RATE_HZ,
        seen={part.data_set: sorted(set(part.record)) for part in windows},
        code_version=version("ecgstream"),
    )
    write_card(out, out.name, manifest.sha256, _card(windows, settings, schedule, found))
    return manifest


def _card(windows: list[Windows], settings: dict[str, Any], schedule: Schedule, found: Pretrained) -> Card:
    measured = {field.name: round(getattr(found, field.name), 4) for field in fields(found) if field.name != "trunk"}
    sets = sorted({part.data_set for part in windows})
    return Card(
        what="A trunk without a head: HeartBEiT (Vaid et al. 2023), taught by guessing the words of hidden patches. "
        f"Settings: {settings}.",
        data=f"Signals alone, no labels: {sum(map(len, windows))} windows of 10 s of {', '.join(sets)}. All are "
        "PhysioNet's: PTB-XL CC BY 4.0 (Wagner 2020), the others ODC-BY 1.0.",
        split="Nothing is kept apart but MITDB's DS2: the words are measured on windows that were trained on, and "
        "where a table tests on PTB-XL folds, the signals of the tested records (never their labels) were among them. "
        "`manifest.json` names every record.",
        metrics={"steps": schedule.steps, "windows a step": BATCH, "seed": schedule.seed, **measured},
        limits=("It states nothing by itself: a head is to be taught, and tested on records of one's own.",),
        how="ecgstream pretrain heartbeit DATA; python benchmarks/pretraining.py DATA --model DIRECTORY",
    )


def pretrain_heartbeit(
    windows: list[Windows], settings: dict[str, Any], schedule: Schedule, device: str, checkpoint: Path | None
) -> Pretrained:
    """Tokenizer and trunk, by the same seed; ``schedule.steps`` are those of both together."""
    torch.manual_seed(schedule.seed)
    tokenizer, trunk = Tokenizer(), HeartBeit(**settings)
    steps = max(1, round(TOKENIZER_SHARE * schedule.steps))
    first, second = replace(schedule, steps=steps), replace(schedule, steps=max(1, schedule.steps - steps))
    parts = [checkpoint and checkpoint.with_suffix(f".{part}.pt") for part in ("words", "trunk")]
    train_tokenizer(tokenizer.to(device), windows, first, parts[0])
    guesser = train_guesser(Guesser(trunk, tokenizer).to(device), windows, second, parts[1])
    told = measure(guesser, windows, schedule.seed)
    for part in filter(None, parts):
        part.unlink(missing_ok=True)
    return Pretrained(trunk.cpu().eval(), tokenizer.words, **told)


def train_tokenizer(
    tokenizer: Tokenizer, windows: list[Windows], schedule: Schedule, checkpoint: Path | None = None
) -> None:
    """Teach the words by what they say again."""
    device = next(tokenizer.parameters()).device

    def losses(_: int, rng: np.random.Generator) -> dict[str, Tensor]:
        mv, _ = draw_windows(windows, BATCH, rng)
        patches = signal_patches(torch.from_numpy(mv)).flatten(0, 2).to(device)
        again, _, commitment = tokenizer(patches)
        return {"signal": mse_loss(again, patches) / patches.var().clamp(min=1e-4), "commitment": commitment}

    train(tokenizer, losses, schedule, checkpoint=checkpoint, title="words")


class Guesser(nn.Module):
    """The trunk with a linear layer that guesses the words of hidden patches."""

    def __init__(self, trunk: HeartBeit, tokenizer: Tokenizer):
        super().__init__()
        self.trunk = trunk
        self.words = nn.Linear(trunk.dim, tokenizer.words)
        self.tokenizer = tokenizer.eval().requires_grad_(False)

    def forward(self, mv: Tensor, present: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (N, words) and words (N,) of the patches that are present and ``hidden`` bool (B, 8, T)."""
        asked = hidden & present[:, :, None]
        tokens = self.trunk.tokens(mv, present, hidden)[asked]
        return self.words(tokens), self.tokenizer.read(signal_patches(mv)[asked])

    def train(self, mode: bool = True) -> Guesser:
        """The words stand, also in training."""
        super().train(mode)
        self.tokenizer.eval()
        return self


def train_guesser(
    guesser: Guesser, windows: list[Windows], schedule: Schedule, checkpoint: Path | None = None
) -> Guesser:
    """Teach the trunk to guess hidden words."""

    def losses(_: int, rng: np.random.Generator) -> dict[str, Tensor]:
        logits, words = guesser(*draw_batch(windows, rng, next(guesser.parameters()).device))
        return {"words": cross_entropy(logits, words)}

    train(guesser, losses, schedule, checkpoint=checkpoint, title="guessing")
    return guesser


def draw_batch(windows: list[Windows], rng: np.random.Generator, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """mV (B, 8, 2500), present (B, 8), hidden (B, 8, COLUMNS) of windows of one data set."""
    found, leads = draw_windows(windows, BATCH, rng)
    mv, present = np.zeros((len(found), N_LEADS, SAMPLES), np.float32), np.zeros((len(found), N_LEADS), bool)
    mv[:, leads], present[:, leads] = found, True
    hidden = np.zeros((len(found), N_LEADS, COLUMNS), bool)
    for row in hidden:
        row[leads] = draw_blocks(len(leads), COLUMNS, rng)
    return tuple(torch.from_numpy(each).to(device) for each in (mv, present, hidden))


def draw_blocks(leads: int, columns: int, rng: np.random.Generator) -> np.ndarray:
    """bool (leads, columns): HIDDEN of the patches, in blocks of neighbouring leads and times (Bao et al. 2021)."""
    hidden, wanted = np.zeros((leads, columns), bool), round(HIDDEN * leads * columns)
    while (lacking := wanted - int(hidden.sum())) > 0:
        high, wide = rng.integers(1, leads + 1), rng.integers(1, WIDEST + 1)
        top, left = rng.integers(leads - high + 1), rng.integers(columns - wide + 1)
        block = np.zeros_like(hidden)
        block[top : top + high, left : left + wide] = True
        fresh = np.flatnonzero(block & ~hidden)
        hidden.ravel()[fresh[:lacking]] = True
    return hidden


@torch.no_grad()
def measure(guesser: Guesser, windows: list[Windows], seed: int, batches: int = 16) -> dict[str, float]:
    """The fields of Pretrained that are measured, over windows drawn anew (they were trained on)."""
    guesser.eval()
    rng, words, right, surprise, left, power = np.random.default_rng((seed, 3)), [], [], [], 0.0, 0.0
    for _ in range(batches):
        mv, present, hidden = draw_batch(windows, rng, next(guesser.parameters()).device)
        logits, wanted = guesser(mv, present, hidden)
        surprise.append(cross_entropy(logits, wanted, reduction="none"))
        right.append((logits.argmax(1) == wanted).float())
        patches = signal_patches(mv)[present]
        again, index, _ = guesser.tokenizer(patches.flatten(0, -2))
        left += float((again - patches.flatten(0, -2)).square().sum())
        power += float((patches - patches.mean()).square().sum())
        words.append(index)
    index, count = torch.cat(words), guesser.tokenizer.words
    return {
        "perplexity": perplexity(index, count),
        "words_used": len(index.unique()) / count,
        "unexplained": left / power,
        "perplexity_beside": float(torch.cat(surprise).mean().exp()),
        "guessed": float(torch.cat(right).mean()),
    }
