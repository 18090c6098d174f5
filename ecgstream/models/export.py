"""From trained weights to a model directory."""

from pathlib import Path

import torch
from torch import Tensor

from ..diagnosis.loader import Manifest, save_model
from .encoder import Encoder
from .streaming import StreamingEncoder

BEAT_DELAY_S = 0.4
"""The beat probabilities of a token tell of this much earlier, so that they rest on the whole QRS and T."""
SETTLING_HOPS = 40
BEAT_SETTLING_HOPS = 10


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
