"""Encoders out of their model directories: ``encoder.pt`` (TorchScript), whose sha256 the manifest states.

TorchScript is the shipped form by design; this is the one module that calls it, and so the one that sets PyTorch's
deprecation warning of it aside.
"""

from __future__ import annotations

import hashlib
import io
import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..errors import ModelError
from ..model_folder import MANIFEST, read_weights
from .batches import BATCHES, BatchedEncoder
from .distribution import card_distribution
from .fused import FusedEncoder, fused
from .graphed import GraphedEncoder, apart, graphed
from .model import AGREEMENT, FORMAT, SHIPPED, Manifest, Model, read_manifest

_ENCODER = "encoder.pt"
_LOWERED = {"bf16": torch.bfloat16}


def load_model(path: Path | None = None, device: str = "auto", precision: str = "fp32") -> Model:
    """Load the model directory ``path``, or the shipped one, onto ``device`` ("auto", "cpu" or "cuda").

    In "bf16" the large products are taken in bfloat16, all else stays fp32. Raises ModelError when a file is missing,
    altered, or not one of ours, the device is not there, or the precision is not known to change scores by little.
    """
    folder = SHIPPED if path is None else Path(path)
    manifest = read_manifest(folder)
    _check_precision(manifest, precision)
    return _load(folder, manifest, device, precision)


def load_torchscript(path: Path | None, device: str, precision: str) -> Model:
    """``load_model`` of the form that is shipped, whatever other this machine has: to measure what that brings."""
    folder = SHIPPED if path is None else Path(path)
    return _load(folder, read_manifest(folder), device, precision, as_shipped=True)


def load_untried(folder: Path, device: str, precision: str) -> Model:
    """``load_model`` in a precision of which nothing need be known yet: to measure what it changes."""
    return _load(folder, read_manifest(folder), device, precision)


def _load(folder: Path, manifest: Manifest, device: str, precision: str, as_shipped: bool = False) -> Model:
    encoder = read_weights(folder / _ENCODER, manifest.sha256)
    place = _device(device)
    if place.type == "cuda":
        torch.set_float32_matmul_precision("highest")  # TF32 has three digits: scores would not agree to 1e-4
    with _torchscript(folder / _ENCODER):
        loaded = torch.jit.load(io.BytesIO(encoder), map_location="cpu").eval()
        if precision != "fp32":
            for name in loaded.lowered:
                weight = dict(loaded.named_parameters())[name]
                weight.data = weight.data.to(_LOWERED[precision])
        loaded.prepare()  # where its maps are made alike for every device
        tolerance = AGREEMENT if precision == "fp32" else manifest.tolerance
        other = None if as_shipped else _other_form(loaded, place, precision, tolerance)
        served = other or torch.jit.freeze(_moved(loaded, place))
        model = Model(served, manifest, place, card_distribution(folder), precision)
        if place.type == "cuda" and other is None:
            _check_device(model, loaded, tolerance)
    return model


def _other_form(
    prepared: torch.jit.ScriptModule, place: torch.device, precision: str, tolerance: float
) -> FusedEncoder | GraphedEncoder | None:
    """A faster form of the encoder where this machine has one that says the same."""
    if place.type == "cuda":
        return graphed(prepared, place, tolerance)
    return fused(prepared) if precision == "fp32" else None


def _check_device(model: Model, prepared: torch.jit.ScriptModule, tolerance: float) -> None:
    """ModelError unless the model says on its device what ``prepared`` says on the CPU."""
    found = apart(BatchedEncoder(model), prepared, BATCHES[-1:])
    if not found <= tolerance:
        raise ModelError(
            f"On '{model.device.type}' scores of {model.version} differ by {found:.2g} from those on the CPU. Set "
            "diagnosis.device to cpu."
        )


def _moved(prepared: torch.jit.ScriptModule, place: torch.device) -> torch.jit.ScriptModule:
    """The same on ``place``: written and read, as what ``prepare`` made is in lists, which ``to`` leaves behind."""
    if place.type == "cpu":
        return prepared
    buffer = io.BytesIO()
    torch.jit.save(prepared, buffer)
    buffer.seek(0)
    return torch.jit.load(buffer, map_location=place).eval()


def _check_precision(manifest: Manifest, precision: str) -> None:
    difference = 0.0 if precision == "fp32" else manifest.differences.get(precision)
    if difference is None:
        raise ModelError(
            f"What {precision} changes in the scores of {manifest.name} is not known; measure it by `ecgstream models "
            "precision`, or set diagnosis.precision to fp32."
        )
    if not difference <= manifest.tolerance:
        raise ModelError(
            f"In {precision} a score of {manifest.name} may change by {manifest.tolerance} at most, as its manifest "
            f"states; it changed by {difference}. Set diagnosis.precision to fp32."
        )


def load_weights(path: Path | None = None) -> tuple[dict[str, torch.Tensor], Manifest]:
    """The encoder's weights by name, on the CPU, of a model directory or the shipped one. Raises ModelError.

    What is served cannot be differentiated: it overwrites its state. ``models.streaming.rebuilt`` makes what can.
    """
    folder = SHIPPED if path is None else Path(path)
    manifest = read_manifest(folder)
    encoder = read_weights(folder / _ENCODER, manifest.sha256)
    with _torchscript(folder / _ENCODER):
        return dict(torch.jit.load(io.BytesIO(encoder), map_location="cpu").state_dict()), manifest


def save_model(streaming: nn.Module, folder: Path, **stated: Any) -> Manifest:
    """Script and write ``streaming`` with a manifest of what is ``stated`` (the fields of Manifest)."""
    folder.mkdir(parents=True, exist_ok=True)
    with _torchscript(folder / _ENCODER):
        buffer = io.BytesIO()
        torch.jit.save(torch.jit.script(streaming.eval()), buffer)
    encoder = buffer.getvalue()
    manifest = Manifest(format=FORMAT, sha256=hashlib.sha256(encoder).hexdigest(), **stated)
    (folder / _ENCODER).write_bytes(encoder)
    (folder / MANIFEST).write_text(json.dumps(asdict(manifest), indent=2) + "\n")
    return manifest


def traced(module: nn.Module, *example: torch.Tensor) -> torch.jit.ScriptModule:
    """TorchScript of a loaded network, for inputs of any batch and otherwise the shape of ``example``; its weights are
    constants from then on. Raises ModelError where it cannot be traced."""
    with _torchscript(type(module).__name__), torch.no_grad():
        return torch.jit.freeze(torch.jit.trace(module.eval(), example))


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name == "cuda" and not torch.cuda.is_available():
        raise ModelError("The device is set to 'cuda' and PyTorch finds none here; set it to 'auto' or 'cpu'.")
    return torch.device(name)


@contextmanager
def _torchscript(what: Path | str) -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"`torch\.jit\.", category=DeprecationWarning)
        try:
            yield
        except (RuntimeError, ValueError, AttributeError) as error:
            raise ModelError(f"PyTorch cannot take {what} as TorchScript: {error}") from error
