"""The encoder and the beat head at work: loading, batching, state, rolling scores, classes of beats."""

from .beats import CLASSES, BeatClasses, ClassifiedBeats, shipped_beat_head
from .diagnosis import Diagnosis
from .loader import Manifest, Model, load_model
from .pvc_rate import PvcRate
from .tokens import BeatProbs

__all__ = [
    "CLASSES",
    "BeatClasses",
    "BeatProbs",
    "ClassifiedBeats",
    "Diagnosis",
    "Manifest",
    "Model",
    "PvcRate",
    "load_model",
    "shipped_beat_head",
]
