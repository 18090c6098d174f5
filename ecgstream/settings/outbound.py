"""The section ``outbound``: where ``ecgstream bridge alerts`` sends, and in which words."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from .sections import CurveSettings, TlsSettings, _Section


class DialectSettings(_Section):
    """What vendors write differently in PCD-04: ``code^name`` of attributes, profile and acknowledgement."""

    event_phase: str = "68481^MDC_ATTR_EVENT_PHASE"
    alarm_state: str = "68482^MDC_ATTR_ALARM_STATE"
    inactivation_state: str = "68483^MDC_ATTR_ALARM_INACTIVATION_STATE"
    priority: str = "68484^MDC_ATTR_ALARM_PRIORITY"
    alert_type: str = "68485^MDC_ATTR_ALERT_TYPE"
    alert_source: str = "68480^MDC_ATTR_ALERT_SOURCE"
    watchdog: str = "196614^MDC_EVT_ACTIVE"
    profile: str = "IHE_PCD_ACM_001^IHE PCD^1.3.6.1.4.1.19376.1.6.4.4^ISO"
    accept_ack: Literal["NE", "AL"] = Field("NE", description="MSH-15; AL: the receiver answers CA, CE or CR")
    application_ack: Literal["NE", "AL"] = Field("AL", description="MSH-16; AL: the receiver answers AA, AE or AR")

    @field_validator("event_phase", "alarm_state", "inactivation_state", "priority", "alert_type", "alert_source")
    @classmethod
    def _is_code_and_name(cls, text: str) -> str:
        code, _, name = text.partition("^")
        if not code.isdigit() or not name or "^" in name:
            raise ValueError("write a code and its name, such as 68481^MDC_ATTR_EVENT_PHASE")
        return text

    @model_validator(mode="after")
    def _some_answer(self) -> DialectSettings:
        if self.accept_ack == self.application_ack == "NE":
            raise ValueError("one of accept_ack and application_ack must be AL: without an answer nothing is sure")
        return self


DIALECTS = {
    "ihe": DialectSettings(),
    "draeger": DialectSettings(
        event_phase="68165^MDC_ATTR_EVENT_PHASE",
        alarm_state="68166^MDC_ATTR_ALARM_STATE",
        inactivation_state="68167^MDC_ATTR_ALARM_INACTIVATION_STATE",
        priority="68168^MDC_ATTR_ALARM_PRIORITY",
        watchdog="258047^MDC_EVT_ACTIVE",
        accept_ack="AL",
        application_ack="NE",
    ),
}
"""``ihe``: as IHE PCD and Mindray write it. ``draeger``: as Dräger, and with other priority codes GE, write it."""


class _Destination(_Section):
    name: str = Field(pattern=r"^[a-z0-9-]{1,40}$", description="for logs, metrics and the queue; keep it")
    least_priority: Literal["low", "medium", "high"] = "low"


class Pcd04Settings(_Destination):
    """An alarm manager that takes IHE PCD-04 messages over MLLP."""

    kind: Literal["pcd04"]
    host: str
    port: int = Field(2575, ge=1, le=65_535)
    tls: TlsSettings | None = None
    dialect: str = "ihe"
    sending_application: str = "ECGSTREAM"
    sending_facility: str = ""
    receiving_application: str = ""
    continue_s: float = Field(20.0, ge=10, le=30, description="how often an alert that stands is told again")
    watchdog_s: float = Field(60.0, ge=0, description="how often the watchdog message is sent; 0: never")
    ack_s: float = Field(5.0, gt=0, le=60, description="longest wait for an acknowledgement")


class _HttpDestination(_Destination):
    url: str
    ca_file: Path | None = Field(None, description="PEM; unset trusts the system's authorities")
    timeout_s: float = Field(10.0, gt=0, le=120)

    @field_validator("url")
    @classmethod
    def _is_http(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("must be http://… or https://…")
        if parts.username or parts.password:
            raise ValueError("must hold no user name or password: it would stand in logs")
        return url


class FhirSettings(_HttpDestination):
    """A FHIR R4 server, by its base URL."""

    kind: Literal["fhir"]
    token_file: Path | None = Field(None, description="bearer token; read at start")
    identifier_system: str = Field("urn:ecgstream", description="system of the identifiers we make")
    patient_system: str = Field("", description="system of the patient identifiers, of your MPI")


class WebhookSettings(_HttpDestination):
    """Any HTTP server: the alert as JSON, signed."""

    kind: Literal["webhook"]
    secret_file: Path = Field(description="key of the HMAC, at least 24 bytes; base64, with or without whsec_")
    strips: bool = Field(False, description="send strips along")


Destination = Annotated[Pcd04Settings | FhirSettings | WebhookSettings, Field(discriminator="kind")]


class OutboundSettings(_Section):
    """``ecgstream bridge alerts``: alerts to alarm managers, EHRs and webhooks, through a queue on disk."""

    destinations: tuple[Destination, ...] = ()
    dialects: dict[str, DialectSettings] = Field({}, description="beside, or instead of, ihe and draeger")
    queue: Path = Field(Path("ecgstream-outbound.sqlite3"), description="holds what could not be sent yet")
    queue_mb: float = Field(256.0, gt=0, description="of each destination; beyond it the oldest is dropped, counted")
    http_port: int = Field(9465, ge=0, le=65_535, description="/metrics and /health")
    http_host: str = "127.0.0.1"
    retry_s: float = Field(1.0, gt=0, description="wait after a first failure; it doubles")
    longest_retry_s: float = Field(30.0, gt=0, description="… up to this")
    refusals: int = Field(5, ge=1, description="after so many a message is set aside, and the next one sent")
    curve: CurveSettings | None = Field(None, description="to connect to a ZeroMQ sink that has CURVE keys")

    @model_validator(mode="after")
    def _hold_together(self) -> OutboundSettings:
        names = [destination.name for destination in self.destinations]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"each destination needs a name of its own; given twice: {', '.join(twice)}")
        known = {**DIALECTS, **self.dialects}
        for destination in self.destinations:
            if destination.kind == "pcd04" and destination.dialect not in known:
                raise ValueError(f"{destination.name}: no dialect {destination.dialect!r}; {', '.join(sorted(known))}")
        return self

    def dialect(self, name: str) -> DialectSettings:
        """The settings' own dialect of that name, else the built-in one."""
        return self.dialects.get(name) or DIALECTS[name]
