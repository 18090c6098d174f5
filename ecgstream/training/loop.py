"""The training loop of every network over whole recordings, supervised or not.

The same seed, data, number of steps and threads give the same weights, whether or not the run was stopped in between.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from torch import Tensor, nn

Losses = Callable[[int, np.random.Generator], dict[str, Tensor]]
"""From a step's number and its generator to the losses, by name, whose sum is lowered."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long, how fast, how it ends."""

    steps: int
    seed: int
    peak_rate: float = 2e-3
    weight_decay: float = 0.05
    warm_up: float = 0.1  # of all steps
    average: float = 0.0  # of weights from step to step; 0: the last ones count
    clip_norm: float = 1.0
    check_every: int = 0  # steps between validations; 0: none
    patience: int = 0  # validations without gain after which it ends; 0: never
    save_every: int = 200  # steps between checkpoints

    def rate(self, step: int) -> float:
        """Linear warm-up, then a cosine to nothing (Loshchilov & Hutter 2017)."""
        progress = step / self.steps
        if progress < self.warm_up:
            return self.peak_rate * (step + 1) / (self.warm_up * self.steps)
        return self.peak_rate * 0.5 * (1 + math.cos(math.pi * (progress - self.warm_up) / (1 - self.warm_up)))


@dataclass(slots=True)
class Progressed:
    """How far a run has come; a checkpoint keeps it."""

    step: int = 0
    best: float = -math.inf
    best_step: int = 0
    history: list[float] = field(default_factory=list)  # validations


def train(
    pupil: nn.Module,
    losses: Losses,
    schedule: Schedule,
    *,
    checkpoint: Path | None = None,
    validate: Callable[[nn.Module], float] | None = None,
    after_step: Callable[[int], None] | None = None,
    title: str = "training",
) -> Progressed:
    """Train ``pupil`` in place by AdamW (Loshchilov & Hutter 2019) and leave the weights that count in it.

    ``validate`` gives a figure that should be high, for the (averaged) weights in evaluation mode; with
    ``check_every`` the best weights are the ones that are left. ``after_step`` comes after each change of the weights
    (a teacher's moving average). ``checkpoint``: a file that a stopped run goes on from.
    """
    run = _Run(pupil, schedule)
    if checkpoint is not None and checkpoint.exists():
        run.load_state_dict(torch.load(checkpoint, weights_only=True))
    columns = (
        TextColumn(title),
        BarColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[said]}"),
    )
    smooth: dict[str, float] = {}
    with Progress(*columns, transient=True) as progress:
        task = progress.add_task(title, total=schedule.steps, completed=run.come.step, said="")
        while run.come.step < schedule.steps and not run.gave_up:
            told = run.step(losses)
            if after_step is not None:
                after_step(run.come.step)
            if validate is not None and schedule.check_every and run.come.step % schedule.check_every == 0:
                run.check(validate)
            smooth = {name: 0.95 * smooth.get(name, value) + 0.05 * value for name, value in told.items()}
            progress.update(task, completed=run.come.step, said=_said(smooth, run.come))
            if checkpoint is not None and run.come.step % schedule.save_every == 0:
                _save(run, checkpoint)
    run.finish()
    return run.come


class _Run:
    """All that a checkpoint holds."""

    def __init__(self, pupil: nn.Module, schedule: Schedule):
        self.pupil, self.schedule = pupil, schedule
        decayed = [value for value in pupil.parameters() if value.requires_grad and value.ndim > 1]
        others = [value for value in pupil.parameters() if value.requires_grad and value.ndim <= 1]
        groups = [{"params": decayed, "weight_decay": schedule.weight_decay}, {"params": others, "weight_decay": 0.0}]
        self.parameters = decayed + others
        self.optimizer = torch.optim.AdamW(groups, lr=schedule.peak_rate, betas=(0.9, 0.99))
        self.average = _copied(pupil) if schedule.average else {}
        self.best: dict[str, Tensor] = {}
        self.come = Progressed()

    @property
    def gave_up(self) -> bool:
        """Whether so many validations brought no gain that no more are wanted."""
        waited = self.come.step - self.come.best_step
        return bool(self.schedule.patience) and waited >= self.schedule.patience * self.schedule.check_every

    def step(self, losses: Losses) -> dict[str, float]:
        """One change of the weights; the losses by name."""
        number = self.come.step
        torch.manual_seed(self.schedule.seed * 1_000_003 + number)  # dropout
        for group in self.optimizer.param_groups:
            group["lr"] = self.schedule.rate(number)
        self.pupil.train()
        parts = losses(number, np.random.default_rng((self.schedule.seed, number)))
        self.optimizer.zero_grad(set_to_none=True)
        torch.stack(list(parts.values())).sum().backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, self.schedule.clip_norm)
        self.optimizer.step()
        self.come.step += 1
        if self.average:
            self._move_average()
        return {name: float(value.detach()) for name, value in parts.items()}

    @torch.no_grad()
    def _move_average(self) -> None:
        kept = min(self.schedule.average, self.come.step / (self.come.step + 10))
        for name, value in self.pupil.state_dict().items():
            if value.is_floating_point():
                self.average[name].lerp_(value, 1 - kept)
            else:
                self.average[name].copy_(value)

    def check(self, validate: Callable[[nn.Module], float]) -> None:
        """Validate the weights that count, and keep them if they are the best so far."""
        last = _copied(self.pupil)
        if self.average:
            self.pupil.load_state_dict(self.average)
        self.pupil.eval()
        with torch.inference_mode():
            value = float(validate(self.pupil))
        self.come.history.append(value)
        if value >= self.come.best:  # of equals the later: a small validation part is soon at its best
            self.come.best, self.come.best_step = value, self.come.step
            self.best = _copied(self.pupil)
        self.pupil.load_state_dict(last)

    def finish(self) -> None:
        """Leave the weights that count in the pupil."""
        if self.best or self.average:
            self.pupil.load_state_dict(self.best or self.average)
        self.pupil.eval()

    def state_dict(self) -> dict:
        """For ``torch.save``."""
        return {
            "pupil": self.pupil.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "average": self.average,
            "best": self.best,
            "come": {name: getattr(self.come, name) for name in Progressed.__slots__},
        }

    def load_state_dict(self, state: dict) -> None:
        """Go on from what ``state_dict`` gave."""
        self.pupil.load_state_dict(state["pupil"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.average, self.best = state["average"], state["best"]
        self.come = Progressed(**state["come"])


def _copied(module: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in module.state_dict().items()}


def _save(run: _Run, checkpoint: Path) -> None:
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    partly = checkpoint.with_suffix(".partly")
    torch.save(run.state_dict(), partly)
    partly.replace(checkpoint)


def _said(smooth: dict[str, float], come: Progressed) -> str:
    losses = " ".join(f"{name} {value:.4f}" for name, value in smooth.items())
    checked: Sequence[float] = come.history[-1:]
    return f"step {come.step} {losses}" + "".join(
        f" validation {value:.4f} (best {come.best:.4f})" for value in checked
    )
