"""How much each sample of each lead adds to a score's logit: by integrated gradients, or by occlusion.

Sources: Sundararajan, Taly, Yan, "Axiomatic Attribution for Deep Networks" (2017); Zeiler and Fergus, "Visualizing and
Understanding Convolutional Networks" (2014). Both by Captum, against a baseline of 0 mV with the same samples valid:
an ECG of the same leads in which nothing happens.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from ..errors import ModelError
from ..waveform import GRID_HZ
from .probe import Probe
from .window import Window

Method = Literal["gradients", "occlusion"]
METHODS: tuple[Method, ...] = ("gradients", "occlusion")
STEPS = 32
"""Points on the way from the baseline; the sum of contributions then misses the change in logit by little (stated)."""
AT_ONCE = 16
OCCLUDED = round(0.16 * GRID_HZ)
OCCLUDED_STEP = OCCLUDED // 2


def attribute(probe: Probe, window: Window, score: int, method: Method, steps: int = STEPS) -> np.ndarray:
    """Contributions float32 (C, T) of the window's samples to the logit of a score, by index.

    ModelError where the extra ``explain`` is not installed, or the score has no gradient.
    """
    mv = torch.from_numpy(window.mv)[None]
    forward = _forward(probe, window, score)
    captum = _captum()
    if method == "occlusion":
        found = _occluded(captum, forward, mv, *probe.looks_at(window.slots, mv.shape[2]))
    else:
        if not forward(mv.clone().requires_grad_()).requires_grad:
            raise ModelError(f"{probe.version} counts and compares: it has no gradient; explain it by occlusion.")
        found = captum.IntegratedGradients(forward).attribute(mv, n_steps=steps, internal_batch_size=AT_ONCE)
    return found[0].numpy().astype(np.float32)


def method_for(probe: Probe, window: Window, score: int) -> Method:
    """Gradients where the score has one, else occlusion."""
    mv = torch.from_numpy(window.mv)[None].requires_grad_()
    return "gradients" if _forward(probe, window, score)(mv).requires_grad else "occlusion"


def stated(probe: Probe, window: Window) -> tuple[np.ndarray, np.ndarray]:
    """Logits (S,) of all scores, and those of the baseline."""
    mv = torch.from_numpy(window.mv)[None]
    valid = torch.from_numpy(window.valid)[None].expand(2, -1, -1)
    with torch.no_grad():
        found, nothing = probe.logits(window.slots, torch.cat((mv, torch.zeros_like(mv))), valid).numpy()
    return found, nothing


def _occluded(captum: Any, forward: Callable[[Tensor], Tensor], mv: Tensor, leads: Tensor, first: int) -> Tensor:
    """Of mv (1, C, T): the ``leads`` (int64) from sample ``first`` on are covered, as the rest changes nothing."""

    def of(part: Tensor) -> Tensor:
        whole = mv.repeat(len(part), 1, 1)
        whole[:, leads, first:] = part
        return forward(whole)

    found = torch.zeros_like(mv)
    found[:, leads, first:] = captum.Occlusion(of).attribute(
        mv[:, leads, first:],
        sliding_window_shapes=(1, OCCLUDED),
        strides=(1, OCCLUDED_STEP),
        perturbations_per_eval=AT_ONCE,
    )
    return found / OCCLUDED


def _forward(probe: Probe, window: Window, score: int) -> Callable[[Tensor], Tensor]:
    valid = torch.from_numpy(window.valid)[None]

    def of(mv: Tensor) -> Tensor:
        return probe.logits(window.slots, mv, valid.expand(len(mv), -1, -1))[:, score]

    return of


def _captum():
    try:
        from captum import attr
    except ModuleNotFoundError as error:
        raise ModelError(
            f"To explain a score {error.name} is needed, which is not installed; run: pip install 'ecgstream[explain]'"
        ) from error
    return attr
