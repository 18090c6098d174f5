"""HL7 messages as monitors, gateways and admission systems send them, with made-up content."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC

import numpy as np

from ecgstream.hl7.message import Message, header_of, parse
from ecgstream.wire.leads import LEAD_CODES

START = "20260101120000.000+0000"
START_NS = 1_767_268_800_000_000_000


def msh(kind: str = "ORU^R01^ORU_R01", control_id: str = "4711", accept: str = "", application: str = "") -> str:
    head = f"MSH|^~\\&|GATEWAY|WARD|ECGSTREAM|HOUSE|{START}||{kind}|{control_id}|P|2.6"
    return f"{head}|||{accept}|{application}||UNICODE UTF-8"


def pid(identifier: str = "12345", name: str = "Doe^John") -> str:
    return f"PID|||{identifier}^^^HOUSE^MR||{name}||19700101|M"


def pv1(bed: str = "ward-3^^bed-12", prior: str = "") -> str:
    return f"PV1||I|{bed}|||{prior}"


def obr(start: str = START, stop: str = "") -> str:
    return f"OBR|1|||CONTINUOUS WAVEFORM|||{start}|{stop}"


def array(
    lead: str, values: Sequence[int | float | str], set_id: int = 1, units: str = "262656^MDC_DIM_DIMLESS^MDC"
) -> str:
    code = LEAD_CODES[lead]
    numbers = "^".join(map(str, values))
    return f"OBX|{set_id}|NA|{code}^MDC_ECG_ELEC_POTL_{lead}^MDC|1.7.6.{code}|{numbers}|{units}|||||F"


def attributes(lead: str, hz: str = "250", step: str = "0.005", invalid: str = "") -> list[str]:
    sub_id = f"1.7.6.{LEAD_CODES[lead]}"
    rows = [
        f"OBX||NM|0^MDC_ATTR_SAMP_RATE^MDC|{sub_id}.1|{hz}|264608^MDC_DIM_PER_SEC^MDC|||||F",
        f"OBX||NM|2327^MDC_ATTR_NU_MSMT_RES^MDC|{sub_id}.2|{step}|266418^MDC_DIM_MILLI_VOLT^MDC|||||F",
    ]
    return rows + ([f"OBX||NM|196660^MDC_EVT_INOP^MDC|{sub_id}.3|{invalid}||||||F"] if invalid else [])


def wcm(leads: dict[str, Sequence[int]], start: str = START, **header: str) -> bytes:
    """A waveform message of one block at 250 Hz."""
    rows = [row for lead, values in leads.items() for row in (array(lead, values), *attributes(lead))]
    return joined(msh(**header), pid(), pv1(), obr(start), *rows)


def r40(
    code: str = "199684^MDC_ECG_ASYSTOLE^MDC", phase: str = "start", alert_id: str = "77", start: str = START
) -> bytes:
    facets = [
        f"OBX|1|CWE|196616^MDC_EVT_ALARM^MDC|1.0.0.0.1|{code}",
        f"OBX|2|ST|68481^MDC_ATTR_EVENT_PHASE^MDC|1.0.0.0.3|{phase}",
        "OBX|3|ST|68484^MDC_ATTR_ALARM_PRIORITY^MDC|1.0.0.0.6|PH",
    ]
    head = f"OBR|1||{alert_id}^GATEWAY|196616^MDC_EVT_ALARM^MDC|||{start}"
    return joined(msh("ORU^R40^ORU_R40"), pid(), pv1(), head, *facets)


def adt(trigger: str, *segments: str) -> bytes:
    return joined(msh(f"ADT^{trigger}^ADT_A01"), f"EVN|{trigger}|{START}", *segments)


def joined(*segments: str) -> bytes:
    return "".join(segment + "\r" for segment in segments).encode()


def read(block: bytes) -> Message:
    return parse(block, header_of(block), UTC)


def ramp(n: int = 250) -> list[int]:
    return np.arange(n).tolist()
