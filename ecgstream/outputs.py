"""Results become messages of the wire schema: alerts at once, vitals and diagnoses once a second of sample time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from math import isnan
from typing import NamedTuple

import numpy as np

from . import written
from .alarms.conditions import RULES, graver_table
from .alarms.lifecycle import Alarms
from .alarms.machine import NEVER
from .alarms.measured import LOW_LIMIT
from .alert_strips.message import strip_message
from .alert_strips.recent import RecentStrips
from .diagnosis.strips import StripScores
from .intake import Intake
from .model_roles import ModelRoles
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
    RhythmResult,
    Scores,
)
from .wire import ecgstream_pb2 as pb
from .wire.codec import alarm_message, content_type, encode
from .wire.content_types import MESSAGES
from .written import Due

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
        due = self._due(conditioned, speaks)
        rows = [row for _, _, row, _ in due]
        leads = written.lead_fields(conditioned, due, map(self._intake.lead_names, rows))
        rates, settings = written.rate_fields(rhythm, evidence, due), self._settings_of(rows, now_ns)
        vitals = [b"".join(each) for each in zip(leads, rates, settings, strict=True)]
        models = pb.Diagnosis(model=self._models.served.version, heads=self._models.heads.versions)
        said = written.score_fields(models, scores, due, strips)
        return self._messages(due, now_ns, {"vitals": vitals, "diagnosis": said})

    def _settings_of(self, rows: list[int], now_ns: int) -> list[bytes]:
        """Of vitals, how the alarms of each bed are set."""
        alarms = self._alarms
        presets = [alarms.presets[row] for row in rows]
        told = written.settings_fields(alarms.limits[rows], presets)
        for place in np.flatnonzero(alarms.any_silenced(np.array(rows, np.int64), now_ns)).tolist():
            off, paused = alarms.silenced(rows[place], now_ns)
            told[place] += pb.Vitals(alarms_off=off, alarms_paused=paused).SerializeToString()
        return told

    def shadow(self, conditioned: Conditioned, scores: Scores, speaks: np.ndarray, now_ns: int) -> list[Outgoing]:
        """What the shadow's model says where ``periodic`` says what the one in service does."""
        due = self._due(conditioned, speaks)
        models = pb.Shadow(model=self._models.shadow.version, served=self._models.served.version)
        return self._messages(due, now_ns, {"shadow": written.score_fields(models, scores, due)})

    def _messages(self, due: list[Due], now_ns: int, said: dict[str, list[bytes]]) -> list[Outgoing]:
        """Messages by name, each with its fields but for the stamp; those of a bed and second stand together."""
        stream_ids = [self._intake.stream_id(row) for _, _, row, _ in due]
        times_ns = [self._intake.time_ns(row, sample) for _, _, row, sample in due]
        stamps = written.stamps(due, stream_ids, times_ns)
        by_name = [self._stamped(name, stream_ids, stamps, now_ns, fields) for name, fields in said.items()]
        return [each for together in zip(*by_name, strict=True) for each in together]

    def _stamped(
        self, name: str, stream_ids: list[str], stamps: list[bytes], now_ns: int, fields: list[bytes]
    ) -> Iterator[Outgoing]:
        message, its_type = MESSAGES[name], content_type(name, self._format)
        published = message(published_time_ns=now_ns).SerializeToString()
        for stream_id, stamp, rest in zip(stream_ids, stamps, fields, strict=True):
            payload = b"".join((stamp, published, rest))
            if self._format != "protobuf":
                _, payload = encode(message.FromString(payload), self._format)
            yield Outgoing(stream_id, name, its_type, payload)

    def _due(self, conditioned: Conditioned, speaks: np.ndarray) -> list[Due]:
        """Place and hop in the block, row and sample, wherever a publishing interval of a row that ``speaks`` ends."""
        hops = conditioned.first_hop[:, None] + np.arange(conditioned.n_hops)
        i, k = np.nonzero(((hops + 1) % self._every_hops == 0) & speaks[:, None])
        columns = i, k, conditioned.rows[i], (hops[i, k] + 1) * HOP_SAMPLES
        return list(zip(*(column.tolist() for column in columns), strict=True))

    def _outgoing(self, name: str, stream_id: str, message: pb.Alert | pb.Verdict) -> Outgoing:
        content_type, payload = encode(message, self._format)
        return Outgoing(stream_id, name, content_type, payload)


def _measured(update: AlarmUpdate) -> pb.Measured | None:
    """None where no rate was measured."""
    if not update.measured_per_min:
        return None
    beyond = {"low_limit" if update.condition in LOW_LIMIT else "high_limit": update.limit_per_min}
    code = MDC_PVC_RATE if update.condition == Condition.FREQUENT_PVC else MDC_HEART_RATE
    return pb.Measured(mdc_code=code, unit=PER_MINUTE, value=update.measured_per_min, **beyond)
