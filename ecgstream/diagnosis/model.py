"""What a model is: what its directory states of it, and its encoder. Without PyTorch, for those who run none."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ModelError
from ..model_folder import read_stated

if TYPE_CHECKING:
    import torch

    from .fused import FusedEncoder
    from .graphed import GraphedEncoder

SHIPPED = Path(__file__).parent / "weights"
FORMAT = "ecgstream-encoder-2"
AGREEMENT = 1e-4
"""What scores of another form of the encoder may differ by, at most, in fp32."""
TOLERANCE = 0.02
"""What a score may change by, at most, where products are taken in another precision than fp32."""


@dataclass(frozen=True)
class Manifest:
    """What a model directory states of its encoder."""

    format: str
    name: str
    sha256: str
    n_state: int  # floats of state per row
    n_parameters: int
    names: tuple[str, ...]  # of the scores, in order
    beat_delay_s: float  # the beat probabilities of a token tell of this much earlier
    settling_hops: int  # hops with signal, of the last POOL_HOPS, before scores are stated
    beat_settling_hops: int  # the same for beat probabilities
    thresholds: dict[str, float]  # a score at or above its threshold states the finding
    records: str  # file beside the weights that lists every record seen in training
    tolerance: float = TOLERANCE
    differences: dict[str, float] = field(default_factory=dict)
    """Greatest change of a score over the records kept from training, by precision, as `models precision` measured."""

    def threshold(self, name: str) -> float:
        """The threshold of a score; ModelError when none was set in training."""
        if name not in self.thresholds:
            raise ModelError(f"The model states no threshold for {name!r}; it has {sorted(self.thresholds)}.")
        return self.thresholds[name]


@dataclass(frozen=True)
class Model:
    """A loaded encoder, on its device, and its manifest."""

    encoder: torch.jit.ScriptModule | FusedEncoder | GraphedEncoder
    manifest: Manifest
    device: torch.device
    card_scores: dict[str, list[float]] = field(default_factory=dict)
    """Share of scores up to each of ``SCORE_EDGES`` on the card's records, by score; empty where the card has none."""
    precision: str = "fp32"

    @property
    def version(self) -> str:
        """Name and the first 12 digits of the sha256, and the precision where it is not fp32; stands in every
        Diagnosis."""
        return f"{self.manifest.name}@{self.manifest.sha256[:12]}" + f"+{self.precision}" * (self.precision != "fp32")


def read_manifest(folder: Path) -> Manifest:
    """Read and check ``manifest.json``; ModelError when it is missing or not one of ours."""
    stated = read_stated(folder, FORMAT, Manifest, "export the model again")
    return Manifest(**{**stated, "names": tuple(stated["names"])})
