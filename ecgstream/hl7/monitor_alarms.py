"""Alarms the monitor itself raised (ORU^R40, IHE PCD-04): the event of each, as an order to judge it.

The parts (facets) of an alarm are told apart by the last number of OBX-4, which all vendors have alike; their codes in
OBX-3 differ from one to the next.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from ..waveform import MonitorAlarm
from .message import Message

_KINDS = {
    "199684": "asystole",
    "199694": "bradycardia",
    "199730": "tachycardia",
    "199832": "ventricular_tachycardia",
    "71908006": "ventricular_fibrillation",
    "426525004": "ventricular_tachycardia",
}
"""MDC and SNOMED CT codes of the events on which there is an opinion; no plain MDC code of fibrillation is public."""
_EVENT, _PHASE, _PRIORITY = "1", "3", "6"
_PRIORITIES = {"PH": "high", "PM": "medium", "PL": "low", "PN": ""}
MOST_REMEMBERED = 20_000


@dataclass(frozen=True, slots=True)
class Raised:
    """An alarm, and the id by which its continuations are known."""

    alert_id: str
    alarm: MonitorAlarm


class Alarms:
    """Which alarms have begun: one is repeated every 10 to 30 s while it lasts, and judged once."""

    def __init__(self, code_vf: int):
        self._kinds = _KINDS | ({str(code_vf): "ventricular_fibrillation"} if code_vf else {})
        self._begun: OrderedDict[str, None] = OrderedDict()

    def raised(self, message: Message) -> Raised | None:
        """The alarm of a message when it is one to judge and new. Raises Hl7Error."""
        obr = message.first("OBR")
        facets = {message.text(row, 4).rpartition(".")[2]: row for row in message.all("OBX")}
        kind, code = "", 0
        if (event := facets.get(_EVENT)) is not None:
            codes = [message.text(event, 5, component) for component in (1, 4)]
            kind = next((self._kinds[one] for one in codes if one in self._kinds), "")
            code = int(codes[0]) if kind and codes[0].isascii() and codes[0].isdecimal() else 0
        alert_id = f"{message.stream_id}\x1f{message.text(obr, 3)}"
        phase = message.text(facets[_PHASE], 5).lower() if _PHASE in facets else "start"
        if not kind or phase == "end" or alert_id in self._begun:
            return None
        start_ns = message.time_ns(message.text(obr, 7), "OBR-7")
        priority = _PRIORITIES.get(message.text(facets[_PRIORITY], 5), "") if _PRIORITY in facets else ""
        return Raised(alert_id, MonitorAlarm(code, kind, start_ns, True, priority))

    def begun(self, raised: Raised) -> None:
        """Once it has been handed on."""
        self._begun[raised.alert_id] = None
        if len(self._begun) > MOST_REMEMBERED:
            self._begun.popitem(last=False)
