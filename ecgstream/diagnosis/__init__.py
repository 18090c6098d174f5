"""The encoder and the beat head at work: loading, batching, state, rolling scores, classes of beats.

PyTorch takes a second to import: what needs it (``loader``, ``diagnosis``) is imported from its own module.
"""

from .beats import CLASSES, BeatClasses, ClassifiedBeats, shipped_beat_head
from .model import Manifest, Model
from .pvc_rate import PvcRate
from .tokens import BeatProbs

__all__ = [
    "CLASSES",
    "BeatClasses",
    "BeatProbs",
    "ClassifiedBeats",
    "Manifest",
    "Model",
    "PvcRate",
    "shipped_beat_head",
]
