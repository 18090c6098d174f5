"""Settings: file, then environment ``ECGSTREAM_…`` (nested by ``__``), then flags."""

from .hl7 import Hl7Settings, MllpTlsSettings
from .loading import load_settings
from .outbound import Destination, DialectSettings, FhirSettings, OutboundSettings, Pcd04Settings, WebhookSettings
from .sections import (
    AlarmSettings,
    ConditioningSettings,
    ControlSettings,
    CurveSettings,
    DiagnosisSettings,
    ExplanationSettings,
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
    TraceSettings,
    WebSettings,
)
from .settings import Settings

__all__ = [
    "AlarmSettings",
    "ConditioningSettings",
    "ControlSettings",
    "CurveSettings",
    "Destination",
    "DiagnosisSettings",
    "DialectSettings",
    "ExplanationSettings",
    "FhirSettings",
    "Hl7Settings",
    "HttpSettings",
    "IntakeSettings",
    "KafkaSettings",
    "LogSettings",
    "OutboundSettings",
    "Pcd04Settings",
    "MllpTlsSettings",
    "SaslSettings",
    "Settings",
    "SinkSettings",
    "SourceSettings",
    "StateSettings",
    "TlsSettings",
    "TopicSettings",
    "TraceSettings",
    "WebhookSettings",
    "WebSettings",
    "load_settings",
]
