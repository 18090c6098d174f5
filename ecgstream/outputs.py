"""Results become messages of the wire schema: alerts at once, vitals and diagnoses once a second of sample time."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import isnan
from typing import Any, NamedTuple

import numpy as np

from .alarms.conditions import RULES, graver_table
from .alarms.lifecycle import Alarms
from .alarms.machine import NEVER
from .alarms.measured import LOW_LIMIT
from .alert_strips.message import strip_message
from .alert_strips.recent import RecentStrips
from .diagnosis.strips import StripScores
from .intake import Intake
from .model_roles import ModelRoles
from .rhythm_names import rhythm_name
from .settings import Settings
from .sources.message import Message
from .verdicts import Verdict
from .waveform import (
    GRID_HZ,
    HOP_S,
    HOP_SAMPLES,
    AlarmUpdate,
    Condition,
    Conditioned,
    Reason,
    RhythmResult,
    Scores,
)
from .wire import ecgstream_pb2 as pb
from .wire.codec import alarm_message, encode
from .written import REASON_NAMES, Due, heard, leads_field, limits_field, written

GRAVER = graver_table()
"""[milder, graver]: which alarms are not told while which are."""
MDC_HEART_RATE, MDC_PVC_RATE = 147842, 148066
"""IEEE 11073-10101, context-free."""
PER_MINUTE = "/min"
"""UCUM."""
_STATES = {name.lower(): number for name, number in pb.Alert.State.items()}


class Onset(NamedTuple):
    """Of what a new alert tells, and since when."""

    condition: str
    at_ns: int  # by the daemon's clock: its first sample, as if the bed's newest had been measured when it arrived


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message on its way out."""

    stream_id: str
    name: str
    content_type: str
    payload: bytes
    onset: Onset | None = field(default=None, compare=False)
    """Of a new alert, for the metrics; None where it is told again, which makes it no other message."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A message that was left behind, and why."""

    message: Message
    reason: str
    sentence: str
    stream_id: str  # empty where it could not be read


class Outputs:
    """Builds and serialises what leaves."""

    def __init__(self, intake: Intake, alarms: Alarms, settings: Settings, models: ModelRoles):
        self._intake, self._alarms, self._models = intake, alarms, models
        self._format = settings.sink.format
        self._every_hops = round(settings.diagnosis.publish_every_s / HOP_S)
        self._code_vf = settings.alarms.code_vf
        self.strips = RecentStrips()

    def alert(self, update: AlarmUpdate, now_ns: int) -> Outgoing:
        """The message of one alarm update."""
        about = RULES[update.condition]
        decided_ns = self._intake.time_ns(update.row, update.decided)
        stream_id = self._intake.stream_id(update.row)
        message = pb.Alert(
            version=1,
            alert_id=update.alert_id,
            update=update.update,
            stream_id=stream_id,
            condition=about.name,
            mdc_code=about.mdc_code or (self._code_vf if update.condition == Condition.VENTRICULAR_FIBRILLATION else 0),
            snomed_code=about.snomed_code,
            state=_STATES[update.state],
            priority=int(update.priority),
            lethal=about.lethal,
            technical=about.technical,
            source=update.source,
            onset_sample=max(update.onset, 0),
            onset_time_ns=self._intake.time_ns(update.row, max(update.onset, 0)),
            decided_sample=update.decided,
            delay_s=(update.decided - update.onset) / GRID_HZ,
            late_s=(now_ns - decided_ns) / 1e9,
            text=update.text,
            published_time_ns=now_ns,
            escalation=update.escalation,
            measured=_measured(update),
        )
        if update.strip:
            message.strip.CopyFrom(strip_message(self._intake, update))
            self.strips.keep(update.alert_id, message.SerializeToString())
        return self._outgoing("alert", stream_id, message)

    def with_onset(self, update: AlarmUpdate, told: Outgoing, over: np.ndarray) -> Outgoing:
        """The message of what a step has just decided; if that is a new alert, with its onset.

        ``over``, int64 (N_CONDITIONS,): the sample at which each alarm of the bed was last over. While a graver one is
        told, a milder one is not: its time begins when the graver one is over.
        """
        if update.update or update.source == "technical":
            return told
        onset = max(update.onset, int(over[GRAVER[update.condition]].max(initial=NEVER)))
        behind_ns = round((int(self._intake.newest_grid[update.row]) - onset) / GRID_HZ * 1e9)
        arrived_ns = int(self._intake.last_arrival_ns[update.row])
        return replace(told, onset=Onset(update.condition.name.lower(), arrived_ns - behind_ns))

    def verdict(self, verdict: Verdict, now_ns: int) -> Outgoing:
        """The message of one second opinion."""
        alarm, judged, stream_id = verdict.alarm, verdict.judged, self._intake.stream_id(verdict.row)
        message = pb.Verdict(
            version=1,
            stream_id=stream_id,
            alarm=alarm_message(alarm),
            opinion=int(judged.opinion),
            probability=None if isnan(judged.probability) else judged.probability,
            evidence=judged.evidence,
            published_time_ns=now_ns,
            verdict_id=verdict.verdict_id,
            head=verdict.head,
        )
        return self._outgoing("verdict", stream_id, message)

    def periodic(
        self,
        conditioned: Conditioned,
        rhythm: RhythmResult,
        scores: Scores,
        strips: StripScores,
        evidence: np.ndarray,
        speaks: np.ndarray,
        now_ns: int,
    ) -> list[Outgoing]:
        """Vitals and a diagnosis for every row that ``speaks`` (R,) and hop that ends a publishing interval."""
        silenced = self._alarms.any_silenced(conditioned.rows, now_ns)
        out = []
        due = self._due(conditioned, speaks)
        about = zip(due, heard(conditioned, due), written(scores, due, strips), strict=True)
        models = {"model": self._models.served.version, "heads": self._models.heads.versions}
        for (i, k, row, sample), of_leads, said in about:
            stamp = self._stamp(row, sample, now_ns)
            vitals = pb.Vitals(**stamp, rhythm=rhythm_name(evidence[i, k], float(rhythm.hr_bpm[i, k])))
            _fill_vitals(vitals, rhythm, i, k)
            stood = leads_field(self._intake.lead_names(row), *of_leads) + limits_field(self._alarms.limits[row].item())
            vitals.preset = self._alarms.presets[row]
            if silenced[i]:
                vitals.alarms_off[:], vitals.alarms_paused[:] = self._alarms.silenced(row, now_ns)
            diagnosis = pb.Diagnosis(**stamp, **models, withheld=_why_not(scores, i, k))
            out.append(self._outgoing("vitals", vitals.stream_id, vitals, stood))
            out.append(self._outgoing("diagnosis", diagnosis.stream_id, diagnosis, said))
        return out

    def shadow(self, conditioned: Conditioned, scores: Scores, speaks: np.ndarray, now_ns: int) -> list[Outgoing]:
        """What the shadow's model says where ``periodic`` says what the one in service does."""
        out = []
        due = self._due(conditioned, speaks)
        models = {"model": self._models.shadow.version, "served": self._models.served.version}
        for (i, k, row, sample), said in zip(due, written(scores, due), strict=True):
            message = pb.Shadow(**self._stamp(row, sample, now_ns), **models, withheld=_why_not(scores, i, k))
            out.append(self._outgoing("shadow", message.stream_id, message, said))
        return out

    def _due(self, conditioned: Conditioned, speaks: np.ndarray) -> list[Due]:
        """Place and hop in the block, row and sample, wherever a publishing interval of a row that ``speaks`` ends."""
        hops = conditioned.first_hop[:, None] + np.arange(conditioned.n_hops)
        at = zip(*np.nonzero(((hops + 1) % self._every_hops == 0) & speaks[:, None]), strict=True)
        return [(i, k, int(conditioned.rows[i]), int(hops[i, k] + 1) * HOP_SAMPLES) for i, k in at]

    def _stamp(self, row: int, sample: int, now_ns: int) -> dict[str, Any]:
        return {
            "version": 1,
            "stream_id": self._intake.stream_id(row),
            "sample": sample,
            "time_ns": self._intake.time_ns(row, sample),
            "published_time_ns": now_ns,
        }

    def _outgoing(
        self, name: str, stream_id: str, message: pb.Alert | pb.Vitals | pb.Diagnosis | pb.Shadow, written: bytes = b""
    ) -> Outgoing:
        """``written``: fields of the message that are serialised already; protobuf takes them in any order."""
        if self._format != "protobuf":
            message.MergeFromString(written)
            written = b""
        content_type, payload = encode(message, self._format)
        return Outgoing(stream_id, name, content_type, payload + written)


def _fill_vitals(vitals: pb.Vitals, rhythm: RhythmResult, i: int, k: int) -> None:
    hr_bpm, pvc_per_min = float(rhythm.hr_bpm[i, k]), float(rhythm.pvc_per_min[i, k])
    if hr_bpm == hr_bpm:
        vitals.heart_rate_bpm = hr_bpm
    if pvc_per_min == pvc_per_min:
        vitals.pvc_per_min = pvc_per_min
    if rhythm.reason[i, k]:
        vitals.not_judged = REASON_NAMES[Reason(rhythm.reason[i, k])]


def _measured(update: AlarmUpdate) -> pb.Measured | None:
    """None where no rate was measured."""
    if not update.measured_per_min:
        return None
    beyond = {"low_limit" if update.condition in LOW_LIMIT else "high_limit": update.limit_per_min}
    code = MDC_PVC_RATE if update.condition == Condition.FREQUENT_PVC else MDC_HEART_RATE
    return pb.Measured(mdc_code=code, unit=PER_MINUTE, value=update.measured_per_min, **beyond)


def _why_not(scores: Scores, i: int, k: int) -> str:
    return REASON_NAMES[Reason(scores.reason[i, k])] if scores.reason[i, k] else ""
