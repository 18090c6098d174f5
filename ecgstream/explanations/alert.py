"""What of an alert can be explained: the signal it brings, and the model's score of its condition."""

from __future__ import annotations

from ..alarms.fusion import SCORE_NAMES
from ..errors import ModelError
from ..evaluation.records import Record, record_of
from ..recorded.strip import recording_of
from ..waveform import GRID_HZ, Condition
from ..wire import ecgstream_pb2 as pb

SCORES = {condition.name.lower(): name for condition, name in SCORE_NAMES.items()} | {
    Condition.ATRIAL_FIBRILLATION.name.lower(): "rhythm.af"
}
"""The score of the same meaning, by condition: whether rules or the model raised the alarm, what the model looks at."""


def score_of_alert(alert: pb.Alert) -> str:
    """The model's score of an alert's condition. Raises ModelError where it has none, as of an asystole."""
    if alert.condition not in SCORES:
        raise ModelError(
            f"{alert.condition or 'This alert'} is told by rules alone (docs/alarms.md says which); the model scores "
            f"{', '.join(sorted(SCORES))}. Name another score of it to be explained."
        )
    return SCORES[alert.condition]


def record_of_alert(alert: pb.Alert) -> Record:
    """The ECG of an alert's strip. Raises RecordError where it brings none."""
    return record_of(recording_of(alert))


def decided_s(alert: pb.Alert) -> float:
    """When the alert was decided, from its strip's first sample."""
    return (alert.decided_sample - alert.strip.start_sample) / GRID_HZ
