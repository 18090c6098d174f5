"""Settings: file, then environment ``ECGSTREAM_…`` (nested by ``__``), then flags."""

from .loading import load_settings
from .sections import (
    AlarmSettings,
    ConditioningSettings,
    ControlSettings,
    CurveSettings,
    DiagnosisSettings,
    HttpSettings,
    IntakeSettings,
    KafkaSettings,
    LogSettings,
    SaslSettings,
    SinkSettings,
    SourceSettings,
    StateSettings,
    TlsSettings,
    TopicSettings,
)
from .settings import Settings

__all__ = [
    "AlarmSettings",
    "ConditioningSettings",
    "ControlSettings",
    "CurveSettings",
    "DiagnosisSettings",
    "HttpSettings",
    "IntakeSettings",
    "KafkaSettings",
    "LogSettings",
    "SaslSettings",
    "Settings",
    "SinkSettings",
    "SourceSettings",
    "StateSettings",
    "TlsSettings",
    "TopicSettings",
    "load_settings",
]
