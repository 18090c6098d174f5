"""Beats, rates and lethal rhythms by published rules; needs no model, and no model can silence it."""

from .detector import DETECTION_DELAY_S
from .rhythm import Rhythm

__all__ = ["DETECTION_DELAY_S", "Rhythm"]
