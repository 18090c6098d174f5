"""Everything the ward page knows of one bed, from the messages that left for it."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Any

from ..rhythm_names import RHYTHM_ORDER
from ..wire import ecgstream_pb2 as pb
from .lateness import Lateness
from .scores import ScoreTrend
from .trends import Trends
from .waves import WaveRing

MOST_HISTORY = 200
"""Alerts and verdicts kept of a bed, the newest."""
TILE_LEADS = ("II", "I", "V", "V2", "V1", "V5")
"""What a tile shows, the first of these that the bed has; else its first lead."""

GRAVITY = {condition.name.lower(): rank for rank, condition in enumerate(RHYTHM_ORDER)}


class Bed:
    """One bed. ``alarm_revision`` and ``vitals_revision`` tell which of its documents a page has not seen yet."""

    def __init__(self, number: int, stream_id: str):
        self.number, self.stream_id = number, stream_id
        self.standing: dict[str, dict[str, Any]] = {}
        self.history: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self.verdicts: deque[dict[str, Any]] = deque(maxlen=MOST_HISTORY)
        self.waves: WaveRing | None = None
        self.trends, self._scores = Trends(), ScoreTrend()
        self.alarm_revision = self.vitals_revision = 0
        self.heard_s = 0.0  # by the monotonic clock: the newest wave or vitals
        self._vitals: dict[str, Any] = {}
        self._lateness = Lateness()
        self._of_the_last: set[str] = set()  # ids of the last patient's alerts: some end, or get their strips, later

    def forget_patient(self) -> None:
        """Another patient, or none: nothing of the last one's past is shown. Alerts that stand end by themselves."""
        self._of_the_last = {*self.history, *self.standing}
        self.history.clear()
        self.verdicts.clear()
        self.trends, self._scores = Trends(), ScoreTrend()

    def take_vitals(self, vitals: pb.Vitals) -> None:
        """The newest of what is said once a second."""
        self._vitals |= {
            "hr": vitals.heart_rate_bpm if vitals.HasField("heart_rate_bpm") else None,
            "pvc": vitals.pvc_per_min if vitals.HasField("pvc_per_min") else None,
            "rhythm": vitals.rhythm,
            "notJudged": vitals.not_judged,
            "quality": {lead.name: [round(lead.quality, 2), lead.reason] for lead in vitals.leads},
            "off": list(vitals.alarms_off),
            "paused": list(vitals.alarms_paused),
            "preset": vitals.preset,
            "limits": {field.name: value for field, value in vitals.limits.ListFields()},
            "behindS": round(self._lateness.take(vitals), 1),
        }
        self.trends.take(vitals)

    def take_diagnosis(self, diagnosis: pb.Diagnosis) -> None:
        """The newest scores, each with where it is heading."""
        self._vitals["withheld"] = diagnosis.withheld
        self._vitals["scores"] = self._scores.take(diagnosis)

    def take_alert(self, alert: pb.Alert) -> None:
        """One update of an alert; the one that completes a strip says nothing else that is new."""
        known = self.history.get(alert.alert_id) or self.standing.get(alert.alert_id)
        shown = _shown(alert, known)
        if alert.state == pb.Alert.ENDED:
            self.standing.pop(alert.alert_id, None)
        else:
            self.standing[alert.alert_id] = shown
        if alert.alert_id in self._of_the_last:
            return
        self.history[alert.alert_id] = shown
        self.history.move_to_end(alert.alert_id)
        while len(self.history) > MOST_HISTORY:
            self.history.popitem(last=False)

    def take_verdict(self, verdict: pb.Verdict) -> None:
        """A second opinion on an alarm of the bed's monitor; the same one told twice counts once."""
        shown = {
            "id": verdict.verdict_id,
            "alarm": verdict.alarm.name,
            "opinion": pb.Verdict.Opinion.Name(verdict.opinion).lower(),
            "probability": verdict.probability if verdict.HasField("probability") else None,
            "evidence": verdict.evidence,
            "atMs": verdict.alarm.start_time_ns // 1_000_000,
        }
        if all(other["id"] != verdict.verdict_id for other in self.verdicts):
            self.verdicts.append(shown)

    @property
    def tile_lead(self) -> str:
        """What the bed's tile shows; empty where there is no lead."""
        leads = self.waves.leads if self.waves else ()
        return next((lead for lead in TILE_LEADS if lead in leads), leads[0] if leads else "")

    def alarms(self) -> dict[str, Any]:
        """The document that every page gets of every bed."""
        leads = self.waves.leads if self.waves else ()
        return {
            "n": self.number,
            "id": self.stream_id,
            "leads": leads,
            "tile": self.tile_lead,
            "alerts": sorted(self.standing.values(), key=_gravity),
            "past": len(self.history),
            "verdicts": len(self.verdicts),
            "lastVerdict": self.verdicts[-1] if self.verdicts else None,
        }

    def vitals(self) -> dict[str, Any]:
        """The document that a page gets of the beds it shows."""
        return {"n": self.number} | self._vitals


def _gravity(alert: dict[str, Any]) -> tuple[int, int, int]:
    """The gravest sorts first, and of those equally grave the longest."""
    return -alert["priority"], GRAVITY.get(alert["condition"], len(GRAVITY)), alert["sinceMs"]


def _shown(alert: pb.Alert, known: dict[str, Any] | None) -> dict[str, Any]:
    told_ms = alert.published_time_ns // 1_000_000
    shown = {
        "id": alert.alert_id,
        "update": alert.update,
        "condition": alert.condition,
        "state": pb.Alert.State.Name(alert.state).lower(),
        "priority": alert.priority,
        "lethal": alert.lethal,
        "technical": alert.technical,
        "source": alert.source,
        "text": alert.text or (known["text"] if known else ""),
        "escalation": alert.escalation,
        "onsetMs": alert.onset_time_ns // 1_000_000,
        "delayS": known["delayS"] if known else alert.delay_s,
        "sinceMs": known["sinceMs"] if known else told_ms - round(1000 * (alert.delay_s + max(0.0, alert.late_s))),
        "toldMs": known["toldMs"] if known else told_ms,
        "endedMs": told_ms if alert.state == pb.Alert.ENDED else None,
        "strip": alert.HasField("strip") or bool(known and known["strip"]),
    }
    if known and known["endedMs"] and shown["endedMs"]:
        shown["endedMs"] = known["endedMs"]  # what completes the strip of an alert that is over
    return shown
