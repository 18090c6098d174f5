"""From trained weights to a model directory, and back to what can be differentiated."""

from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor

from ..diagnosis.loader import load_weights, save_model
from ..diagnosis.model import Manifest
from .encoder import Encoder
from .streaming import StreamingEncoder, rebuilt

BEAT_DELAY_S = 0.4
"""The beat probabilities of a token tell of this much earlier, so that they rest on the whole QRS and T."""
SETTLING_HOPS = 40
BEAT_SETTLING_HOPS = 10
_OF_FILE = ("format", "sha256")
"""What a manifest states of the file itself."""


def export_model(
    encoder: Encoder,
    calibration: tuple[Tensor, Tensor, Tensor],
    folder: Path,
    names: tuple[str, ...],
    thresholds: dict[str, float],
    records: str,
    name: str = "ecgstream-causal-s4d",
) -> Manifest:
    """Write ``encoder.pt`` and ``manifest.json``; ``calibration`` as StreamingEncoder takes it."""
    with torch.no_grad():
        streaming = StreamingEncoder(encoder.float().cpu().eval(), *calibration)
    return save_model(
        streaming,
        folder,
        name=name,
        n_state=streaming.n_state,
        n_parameters=sum(parameter.numel() for parameter in encoder.parameters()),
        names=names,
        beat_delay_s=BEAT_DELAY_S,
        settling_hops=SETTLING_HOPS,
        beat_settling_hops=BEAT_SETTLING_HOPS,
        thresholds=thresholds,
        records=records,
    )


def script_anew(folder: Path) -> Manifest:
    """Write ``encoder.pt`` of a model directory with this program's code around the same weights, and its new version
    into manifest and card: what was measured of it holds. Raises ModelError."""
    weights, before = load_weights(folder)
    after = save_model(rebuilt(weights), folder, **{k: v for k, v in asdict(before).items() if k not in _OF_FILE})
    for card in folder.glob("card.*"):
        card.write_text(card.read_text().replace(before.sha256[:12], after.sha256[:12]))
    return after
