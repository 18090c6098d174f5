"""What half a minute of one lead and its beats measures: RR intervals, P and T waves, what lies between. No opinion."""

from .features import FEATURES, measure_strip
from .measures import MeasuredStrips, StripMeasures

__all__ = ["FEATURES", "MeasuredStrips", "StripMeasures", "measure_strip"]
