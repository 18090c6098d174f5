"""An alert as a FHIR R4 transaction: the device, the alert as DetectedIssue, its strip as Observation.

Device and strip are created unless they are there (``ifNoneExist``); the alert is put where its identifier is
(conditional update), as its status changes in the course of its life. So a bundle that is sent twice does nothing more.
Other resources are referred to by identifier where they may not be on the server.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import numpy as np
from fhir.resources.R4B.bundle import Bundle

from ..hl7.patients import Identity, main
from ..settings import FhirSettings
from ..wire import ecgstream_pb2 as pb

MDC = "urn:iso:std:iso:11073:10101"
SNOMED = "http://snomed.info/sct"
UCUM = "http://unitsofmeasure.org"
SEVERITY = {pb.Alert.HIGH: "high", pb.Alert.MEDIUM: "moderate", pb.Alert.LOW: "low"}
INVALID = -32_768
"""Of a strip, where its lead names no other value."""


def transaction(alert: pb.Alert, identity: Identity | None, settings: FhirSettings) -> Bundle:
    """The bundle of one update of an alert, checked against the resource models."""
    system = settings.identifier_system
    device_url = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'{system}/{alert.stream_id}')}"
    shared = {"subject": _patient(identity, settings), "device": {"reference": device_url}}
    entries = [_create(_device(alert, system), device_url)]
    if alert.strip.layout.channels:
        entries.append(_create(_strip(alert, system, shared)))
    entries.append(_put(_issue(alert, system, shared)))
    return Bundle.model_validate({"resourceType": "Bundle", "type": "transaction", "entry": entries})


def _create(resource: dict[str, Any], url: str | None = None) -> dict[str, Any]:
    request = {"method": "POST", "url": resource["resourceType"], "ifNoneExist": _search(resource)}
    return ({"fullUrl": url} if url else {}) | {"resource": resource, "request": request}


def _put(resource: dict[str, Any]) -> dict[str, Any]:
    return {
        "resource": resource,
        "request": {"method": "PUT", "url": f"{resource['resourceType']}?{_search(resource)}"},
    }


def _search(resource: dict[str, Any]) -> str:
    (identifier,) = resource["identifier"]
    return f"identifier={quote(identifier['system'], safe=':/')}|{quote(identifier['value'], safe='')}"


def _device(alert: pb.Alert, system: str) -> dict[str, Any]:
    return {
        "resourceType": "Device",
        "identifier": [{"system": f"{system}:stream", "value": alert.stream_id}],
        "status": "active",
        "deviceName": [{"name": alert.stream_id, "type": "user-friendly-name"}],
        "type": {"text": "bedside ECG as seen by ecgstream (not a medical device)"},
    }


def _issue(alert: pb.Alert, system: str, shared: dict[str, Any]) -> dict[str, Any]:
    ended = alert.state == pb.Alert.ENDED
    end = {"end": _time(alert.onset_time_ns + round(alert.delay_s * 1e9))} if ended else {}
    issue = {
        "resourceType": "DetectedIssue",
        "identifier": [{"system": f"{system}:alert", "value": alert.alert_id}],
        "status": "final" if ended else "preliminary",
        "code": _condition(alert),
        "severity": SEVERITY.get(alert.priority, "low"),
        "patient": shared["subject"],
        "identifiedPeriod": {"start": _time(alert.onset_time_ns)} | end,
        "author": shared["device"],
        "detail": f"{pb.Alert.State.Name(alert.state).lower()}: {alert.text}".removesuffix(": "),
    }
    if alert.priority >= pb.Alert.MEDIUM and not alert.technical:
        issue["evidence"] = [{"detail": [{"type": "Observation", "identifier": _strip_identifier(alert, system)}]}]
    if alert.state == pb.Alert.ACKNOWLEDGED:
        issue["mitigation"] = [{"action": {"text": "acknowledged"}, "date": _time(alert.published_time_ns)}]
    return {name: value for name, value in issue.items() if value is not None}


def _condition(alert: pb.Alert) -> dict[str, Any]:
    coding = [{"system": MDC, "code": str(alert.mdc_code)}] if alert.mdc_code else []
    coding += [{"system": SNOMED, "code": alert.snomed_code}] if alert.snomed_code else []
    return {"text": alert.condition.replace("_", " ")} | ({"coding": coding} if coding else {})


def _strip(alert: pb.Alert, system: str, shared: dict[str, Any]) -> dict[str, Any]:
    strip = alert.strip
    layout = strip.layout
    raw = np.frombuffer(strip.samples, "<i2").reshape(len(layout.channels), -1)
    period_ms = 1000 * (layout.fs_denominator or 1) / layout.fs_numerator
    stop_ns = strip.start_time_ns + round(raw.shape[1] * period_ms * 1e6)
    observation = {
        "resourceType": "Observation",
        "identifier": [_strip_identifier(alert, system)],
        "status": "final",
        "code": {"coding": [{"system": MDC, "code": "131328"}], "text": "ECG around an alert"},
        "effectivePeriod": {"start": _time(strip.start_time_ns), "end": _time(stop_ns)},
        "component": [_lead(channel, raw[k], period_ms) for k, channel in enumerate(layout.channels)],
    }
    return observation | {name: value for name, value in shared.items() if value is not None}


def _strip_identifier(alert: pb.Alert, system: str) -> dict[str, str]:
    return {"system": f"{system}:strip", "value": alert.alert_id}


def _lead(channel: pb.Channel, raw: np.ndarray, period_ms: float) -> dict[str, Any]:
    """Raw units, so that nothing is lost: mV = data · factor + origin. E marks what is not valid."""
    invalid = channel.invalid_value if channel.HasField("invalid_value") else INVALID
    gain = channel.gain * (1000.0 if channel.unit == "uV" else 1.0)
    origin = {"value": -channel.baseline / gain, "unit": "mV", "system": UCUM, "code": "mV"}
    return {
        "code": {"coding": [{"system": MDC, "code": str(channel.mdc_code)}], "text": channel.name},
        "valueSampledData": {
            "origin": origin,
            "period": period_ms,
            "factor": 1 / gain,
            "dimensions": 1,
            "data": " ".join("E" if value == invalid else str(value) for value in raw.tolist()),
        },
    }


def _patient(identity: Identity | None, settings: FhirSettings) -> dict[str, Any] | None:
    """By identifier: whether the server knows the patient must not decide whether it hears the alert."""
    if identity is None:
        return None
    system = {"system": settings.patient_system} if settings.patient_system else {}
    return {"type": "Patient", "identifier": system | {"value": main(identity.identifiers).value}}


def _time(time_ns: int) -> str:
    return datetime.fromtimestamp(time_ns / 1e9, UTC).isoformat(timespec="milliseconds")
