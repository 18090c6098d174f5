"""What each beat measures against the patient's own: intervals, QRS shape, P wave, T wave. Features, no opinion."""

from .measures import FEATURES, BeatMeasures, MeasuredBeats

__all__ = ["FEATURES", "BeatMeasures", "MeasuredBeats"]
