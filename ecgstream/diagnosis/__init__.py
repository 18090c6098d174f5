"""The compiled encoder at work: loading, batching, state, rolling scores."""

from .beats import CLASSES, BeatClasses, BeatProbs, ClassifiedBeats
from .diagnosis import Diagnosis
from .loader import Manifest, Model, load_model
from .pvc_rate import PvcRate

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
]
