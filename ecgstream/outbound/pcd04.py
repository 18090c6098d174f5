"""An alert as an IHE PCD-04 message (ORU^R40^ORU_R40, HL7 v2.6; IHE PCD Technical Framework, profile ACM).

What goes into which field is told in docs/integration.md. Vendors differ in codes, profile and acknowledgement: that
is the dialect. The patient is filled in here, when the message is made, and nowhere stored.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

import hl7

from ..hl7.patients import Identity
from ..settings import DialectSettings, Pcd04Settings
from ..wire import ecgstream_pb2 as pb
from .queue import Entry

ALARM = "196616^MDC_EVT_ALARM"
ARRHYTHMIA = (199874, "MDC_EVT_ECG_ARRHY")
"""For conditions without an MDC code of their own; SNOMED CT stands beside it."""
ECG = "131328^MDC_ECG_ELEC_POTL^MDC"
NO_NAME = "^^^^^^U"
"""HL7 table 0200: the name is not known."""
MONITOR = "69965^MDC_DEV_MON_PHYSIO_MULTI_PARAM_MDS^MDC"
REFERENCE_IDS = {
    196616: "MDC_EVT_ALARM",
    196648: "MDC_EVT_HI",
    196660: "MDC_EVT_INOP",
    196670: "MDC_EVT_LO",
    196680: "MDC_EVT_LEAD_OFF",
    199684: "MDC_EVT_ECG_ASYSTOLE",
    199736: "MDC_EVT_ECG_ATR_FIB",
    199874: "MDC_EVT_ECG_ARRHY",
}
"""Of the codes we send, those whose name is public (DICOM CID 3038 and vendors' messages); others get our label."""
RATES = {147842: "MDC_ECG_HEART_RATE", 148066: "MDC_ECG_V_P_C_RATE"}
BEATS_PER_MINUTE = "264864^MDC_DIM_BEAT_PER_MIN^MDC"
PRIORITIES = {pb.Alert.HIGH: "PH", pb.Alert.MEDIUM: "PM", pb.Alert.LOW: "PL"}

# HL7 v2 chapter 2.7. The library's own escape turns µ and é into hex, which UTF-8 (MSH-18) makes needless.
_ESCAPES = str.maketrans(
    {"\\": "\\E\\", "|": "\\F\\", "^": "\\S\\", "&": "\\T\\", "~": "\\R\\"} | {chr(code): " " for code in range(32)}
)


@dataclass(frozen=True, slots=True)
class Observation:
    """One OBX: a facet of an alarm."""

    code: str  # OBX-3
    kind: str  # OBX-2
    value: str  # OBX-5
    unit: str = ""  # OBX-6
    usual: str = ""  # OBX-7, the reference range
    flags: str = ""  # OBX-8
    at_ns: int = 0  # OBX-14


class Pcd04Messages:
    """Makes the messages for one alarm manager."""

    def __init__(self, settings: Pcd04Settings, dialect: DialectSettings):
        self._settings, self._dialect = settings, dialect

    def alert(self, entry: Entry, identity: Identity | None, sent_ns: int) -> hl7.Message:
        """One phase of an alert. Made again after a failure it has the same control id (MSH-10)."""
        alert = entry.alert
        decided_ns = alert.onset_time_ns + round(alert.delay_s * 1e9)
        facets = _facets(self._dialect, entry.phase, *_state(alert), PRIORITIES.get(alert.priority, "PN"), _type(alert))
        beyond = _beyond(alert)
        observations = [
            Observation(
                _condition(alert),
                "ST",
                escaped(_words(alert)),
                flags="~".join((beyond, facets[3].value, facets[4].value)),
                at_ns=alert.onset_time_ns,
            ),
            _measured(alert.measured, beyond) if alert.HasField("measured") else _source(self._dialect, alert),
            *facets,
        ]
        # A continue is a message of its own each time it is sent; every other phase is the same message each time.
        again = sent_ns if entry.phase == "continue" and not alert.escalation else alert.escalation
        return self._message(
            control_id=_digest(alert.alert_id, alert.update, entry.phase, again),
            sent_ns=sent_ns,
            patient=[_pid(identity), self._place(alert.stream_id)],
            order=self._order(alert.alert_id, alert.update, entry.phase, decided_ns),
            observations=observations,
            device=alert.stream_id,
        )

    def watchdog(self, sent_ns: int, is_last: bool = False) -> hl7.Message:
        """Says that we live; ``is_last``: that we stop on purpose, so that nobody raises a technical alarm."""
        state = "inactive" if is_last else "active"
        facets = _facets(self._dialect, "end" if is_last else "start", state, "enabled", "PN", "SA")
        name = self._settings.sending_application
        lives = Observation(
            f"{self._dialect.watchdog}^MDC", "ST", "ecgstream is running", flags="~PN~SA", at_ns=sent_ns
        )
        return self._message(
            control_id=_digest("watchdog", sent_ns),
            sent_ns=sent_ns,
            patient=[],
            order=self._order("watchdog", 0, "start", sent_ns),
            observations=[lives, Observation(f"{self._dialect.alert_source}^MDC", "CWE", MONITOR), *facets],
            device=name,
        )

    # ----------------------------------------------------------------------------------------------------- segments

    def _message(
        self,
        control_id: str,
        sent_ns: int,
        patient: list[str],
        order: str,
        observations: list[Observation],
        device: str,
    ) -> hl7.Message:
        equipment = f"{escaped(device)}^{escaped(self._settings.sending_application)}"
        segments = [self._header(control_id, sent_ns), *patient, order]
        for number, one in enumerate(observations, start=1):
            what = f"{one.kind}|{one.code}|1.0.0.0.{number}|{one.value}|{one.unit}|{one.usual}|{one.flags}"
            when = _time(one.at_ns) if one.at_ns else ""
            segments.append(f"OBX|{number}|{what}|||F|||{when}||||{equipment}")
        return hl7.parse("\r".join(segments) + "\r")

    def _header(self, control_id: str, sent_ns: int) -> str:
        settings, dialect = self._settings, self._dialect
        fields = [
            "MSH|^~\\&",
            settings.sending_application,
            settings.sending_facility,
            settings.receiving_application,
            "",
            _time(sent_ns),
            "",
            "ORU^R40^ORU_R40",
            control_id,
            *("P", "2.6", "", ""),
            dialect.accept_ack,
            dialect.application_ack,
            *("", "UNICODE UTF-8", "", ""),
            dialect.profile,
        ]
        return "|".join(fields)

    def _order(self, alert_id: str, update: int, phase: str, decided_ns: int) -> str:
        """OBR-3 is the alert's id and update number; what follows a start names the start in OBR-29."""
        name = escaped(self._settings.sending_application)
        fields = ["OBR", "1", "", f"{alert_id}-{update}^{name}", f"{ALARM}^MDC", "", "", _time(decided_ns)]
        if phase != "start":
            fields += [""] * (29 - len(fields)) + [f"^{alert_id}&{name}"]
        return "|".join(fields)

    def _place(self, stream_id: str) -> str:
        """``ward-3/bed-12``: point of care and bed; a stream id without a slash is the bed."""
        ward, _, bed = stream_id.rpartition("/")
        return f"PV1||I|{escaped(ward)}^^{escaped(bed)}"


def escaped(text: str) -> str:
    """Text that may stand in a component."""
    return text.translate(_ESCAPES)


def _state(alert: pb.Alert) -> tuple[str, str]:
    """Alarm state and inactivation state."""
    if alert.state == pb.Alert.ENDED:
        ordered = {"alarm paused": "alarm-paused", "switched off": "alarm-off"}
        return "inactive", ordered.get(alert.text, "enabled")
    if alert.state == pb.Alert.LATCHED:
        return "latched", "enabled"
    return "active", "alert-acknowledged" if alert.state == pb.Alert.ACKNOWLEDGED else "enabled"


def _type(alert: pb.Alert) -> str:
    return "ST" if alert.technical else "SP"


def _facets(
    dialect: DialectSettings, phase: str, state: str, inactivation: str, priority: str, kind: str
) -> list[Observation]:
    codes = (
        dialect.event_phase,
        dialect.alarm_state,
        dialect.inactivation_state,
        dialect.priority,
        dialect.alert_type,
    )
    values = (phase, state, inactivation, priority, kind)
    return [Observation(f"{code}^MDC", "ST", value) for code, value in zip(codes, values, strict=True)]


def _source(dialect: DialectSettings, alert: pb.Alert) -> Observation:
    return Observation(f"{dialect.alert_source}^MDC", "CWE", MONITOR if alert.technical else ECG)


def _beyond(alert: pb.Alert) -> str:
    """HL7 table 0078: high or low, where a limit of a rate tells which; else abnormal."""
    if not alert.HasField("measured"):
        return "A"
    return "L" if alert.measured.HasField("low_limit") else "H"


def _measured(measured: pb.Measured, beyond: str) -> Observation:
    """The rate in the place of its source, as ACM has it of limit alarms; what is usual ends at the limit."""
    usual = f">{measured.low_limit:g}" if beyond == "L" else f"<{measured.high_limit:g}"
    code = f"{measured.mdc_code}^{RATES[measured.mdc_code]}^MDC"
    return Observation(code, "NM", f"{round(measured.value, 1):g}", BEATS_PER_MINUTE, usual, beyond)


def _condition(alert: pb.Alert) -> str:
    label = escaped(alert.condition.replace("_", " "))
    code, name = (alert.mdc_code, REFERENCE_IDS.get(alert.mdc_code, label)) if alert.mdc_code else ARRHYTHMIA
    snomed = f"^{alert.snomed_code}^{label}^SCT" if alert.snomed_code else ""
    return f"{code}^{name}^MDC{snomed}"


def _words(alert: pb.Alert) -> str:
    label = alert.condition.replace("_", " ")
    return f"{label}: {alert.text}" if alert.text else label


def _pid(identity: Identity | None) -> str:
    if identity is None:
        return f'PID|||""||{NO_NAME}'
    identifiers = "~".join(
        f"{escaped(one.value)}^^^{escaped(one.authority)}^{escaped(one.type or 'PI')}" for one in identity.identifiers
    )
    name = f"{escaped(identity.family)}^{escaped(identity.given)}^^^^^L" if identity.family else NO_NAME
    return f"PID|||{identifiers}||{name}||{escaped(identity.birth_date)}|{escaped(identity.sex)}"


def _time(time_ns: int) -> str:
    seconds, rest_ns = divmod(time_ns, 10**9)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y%m%d%H%M%S}.{rest_ns // 10**6:03}+0000"


def _digest(*parts: object) -> str:
    """20 characters, the most that MSH-10 had before v2.6."""
    return hashlib.sha256("/".join(map(str, parts)).encode()).hexdigest()[:20]
