"""The training run: a number of steps, a weighted average of the weights, checkpoints it can go on from."""

from __future__ import annotations

import math
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from ..models.dropout import seed_dropout
from ..models.encoder import Encoder, EncoderShape
from . import labels
from .batches import Batch, Sources, diagnostic_batch, monitoring_batch
from .objective import Pupil, losses

PEAK_RATE = 2e-3
WEIGHT_DECAY = 0.05
WARM_UP = 0.03  # of all steps
AVERAGE = 0.996
DROPOUT = 0.1
DIAGNOSTIC_STRIPS, MONITORING_STRIPS = 32, 16
CHECKPOINT_S = 120.0


@dataclass(slots=True)
class Run:
    """All that a checkpoint holds."""

    pupil: Pupil
    average: AveragedModel
    optimizer: torch.optim.Optimizer
    rng: np.random.Generator
    seed: int
    trained_s: float = 0.0  # wall time
    cpu_s: float = 0.0
    steps: int = 0

    def state(self) -> dict:
        """For ``torch.save``."""
        return {
            "pupil": self.pupil.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "rng": self.rng.bit_generator.state,
            "seed": self.seed,
            "trained_s": self.trained_s,
            "cpu_s": self.cpu_s,
            "steps": self.steps,
        }

    def restore(self, state: dict) -> None:
        """Go on from what ``state`` gave."""
        self.pupil.load_state_dict(state["pupil"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.rng.bit_generator.state = state["rng"]
        self.seed, self.steps = state["seed"], state["steps"]
        self.trained_s, self.cpu_s = state["trained_s"], state["cpu_s"]


def new_run(seed: int, shape: EncoderShape | None = None) -> Run:
    """An untrained encoder and its optimizer."""
    torch.manual_seed(seed)
    pupil = Pupil(Encoder(shape or EncoderShape(labels.N_SCORES), DROPOUT))
    decayed = [p for name, p in pupil.named_parameters() if p.ndim == 2 and ".space." not in name]
    kept = [p for name, p in pupil.named_parameters() if p.ndim != 2 or ".space." in name]
    groups = [{"params": decayed, "weight_decay": WEIGHT_DECAY}, {"params": kept, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=PEAK_RATE, betas=(0.9, 0.99))
    average = AveragedModel(pupil, multi_avg_fn=get_ema_multi_avg_fn(AVERAGE))
    return Run(pupil, average, optimizer, np.random.default_rng(seed), seed)


def learning_rate(progress: float) -> float:
    """Linear warm-up, then a cosine to nothing; ``progress`` 0 to 1 of the steps."""
    if progress < WARM_UP:
        return PEAK_RATE * progress / WARM_UP
    return PEAK_RATE * 0.5 * (1 + math.cos(math.pi * min(1.0, (progress - WARM_UP) / (1 - WARM_UP))))


def step(run: Run, sources: Sources, rate: float, pool: ThreadPoolExecutor) -> dict[str, float]:
    """One step of the optimizer on one batch of each kind, each on its own thread; the losses by task."""
    for group in run.optimizer.param_groups:
        group["lr"] = rate
    run.pupil.train()
    batches = [
        diagnostic_batch(sources, DIAGNOSTIC_STRIPS, run.rng),
        monitoring_batch(sources, MONITORING_STRIPS, run.rng),
    ]
    seeds = [2 * (run.seed * 1_000_000 + run.steps) + kind for kind in range(2)]
    taught = list(pool.map(lambda batch, seed: _gradients(run.pupil, batch, seed), batches, seeds))
    for parameter, *parts in zip(run.pupil.parameters(), *(gradients for gradients, _ in taught), strict=True):
        told = [part for part in parts if part is not None]
        parameter.grad = torch.stack(told).sum(0) if told else None
    torch.nn.utils.clip_grad_norm_(run.pupil.parameters(), 1.0)
    run.optimizer.step()
    run.average.update_parameters(run.pupil)
    run.steps += 1
    losses_by_kind = [values for _, values in taught]
    tasks = sorted(set().union(*losses_by_kind))
    return {task: sum(values.get(task, 0.0) for values in losses_by_kind) for task in tasks}


def _gradients(pupil: Pupil, batch: Batch, seed: int) -> tuple[tuple[torch.Tensor | None, ...], dict[str, float]]:
    seed_dropout(seed)
    torch.set_num_threads(1)  # two single threads, not two teams that wait for each other at every operation
    parts = losses(pupil, batch)
    total = torch.stack(list(parts.values())).sum()
    gradients = torch.autograd.grad(total, list(pupil.parameters()), allow_unused=True)
    return gradients, {name: float(value.detach()) for name, value in parts.items()}


def fit(run: Run, sources: Sources, steps: int, checkpoint: Path) -> Encoder:
    """Train until ``steps`` are done, over all runs on this checkpoint; the averaged encoder.

    The same examples, seed and number of steps give the same weights, however often the run was stopped.
    """
    if checkpoint.exists():
        run.restore(torch.load(checkpoint, weights_only=False))
    smooth: dict[str, float] = {}
    columns = (BarColumn(), TimeElapsedColumn(), TimeRemainingColumn(), TextColumn("{task.fields[loss]}"))
    saved_s = run.trained_s
    with Progress(*columns) as progress, ThreadPoolExecutor(2) as pool:
        task = progress.add_task("training", total=steps, loss="", completed=run.steps)
        while run.steps < steps:
            began, cpu_began = time.perf_counter(), time.process_time()
            told = step(run, sources, learning_rate(run.steps / steps), pool)
            run.trained_s += time.perf_counter() - began
            run.cpu_s += time.process_time() - cpu_began
            smooth = {name: 0.98 * smooth.get(name, value) + 0.02 * value for name, value in told.items()}
            shown = f"step {run.steps} " + " ".join(f"{name} {value:.3f}" for name, value in smooth.items())
            progress.update(task, completed=run.steps, loss=shown)
            if run.trained_s - saved_s > CHECKPOINT_S or run.steps == steps:
                saved_s = run.trained_s
                torch.save(run.state(), checkpoint)
    return run.average.module.encoder.eval()
