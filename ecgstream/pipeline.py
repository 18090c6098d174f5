"""The tick: messages in, everything they complete out. No thread, no socket, no file; the daemon owns those."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import structlog

from .alarms.about import about_alerts
from .alarms.lifecycle import Alarms
from .alarms.measured import measured_rates
from .alarms.technical import add_technical
from .clock import Clock
from .conditioning import Conditioner
from .diagnosis import BeatClasses, ClassifiedBeats, Model, PvcRate, shipped_beat_head
from .diagnosis.strips import StripRhythms, StripScores, shipped_rhythm_head
from .diagnosis.waves import WaveRhythms, shipped_fibrillation_head
from .electrodes import Electrodes
from .errors import IntakeError, WireError
from .intake import Intake
from .metrics import Metrics
from .model_roles import ModelRoles
from .neighbours import pulses_beside
from .observed import Observed, Step
from .outputs import Outgoing, Outputs, Refused
from .reception import in_parts, read, take_in
from .rhythm import Rhythm
from .room import Room, warming_chunks
from .settings import Settings
from .shedding import Load, Shedding
from .sources.message import Message
from .verdicts import Verdicts
from .verdicts import shipped_head as verdict_head
from .waveform import AlarmUpdate, Chunk, Condition, Conditioned, MonitorAlarm, RawBlock, Reason, RhythmResult, Scores
from .wire.codec import decode_chunk, encode, encode_chunk

if TYPE_CHECKING:
    from .checkpoints import Checkpoints

MAX_HOPS = 25
"""Most hops of a row processed in one step; bounds the work between two looks at the clock."""
ROWS_AHEAD = 16
"""Rows that rooms are made ready for together."""

log = structlog.get_logger()


class Pipeline:
    """Every room in order. One owner: calls must not overlap. ``observer`` is shown each step as it is made."""

    def __init__(
        self,
        settings: Settings,
        model: Model | None,
        metrics: Metrics,
        clock: Clock,
        observer: Callable[[Step], None] | None = None,
    ):
        self.settings, self.metrics, self.clock, self.observer = settings, metrics, clock, observer
        self.intake = Intake(settings.intake)
        self.conditioner = Conditioner(settings.conditioning.mains_hz)
        self.rhythm = Rhythm()
        told = settings.alarms.model_dump(include={"preset", "disabled", "always_on", "escalate_s"})
        self.alarms = Alarms(0, **told, limits=settings.alarms.limits)
        self.models = ModelRoles(model, settings.diagnosis, metrics, self.intake.stream_id)
        self.strips = StripRhythms(shipped_rhythm_head())
        self.beat_classes, self.pvc_rate = BeatClasses(0, shipped_beat_head()), PvcRate(0)
        self.electrodes = Electrodes()
        self.wave_rhythms = WaveRhythms(shipped_fibrillation_head())
        self.outputs = Outputs(self.intake, self.alarms, settings, self.models)
        self.verdicts = Verdicts(self.intake, settings.conditioning.mains_hz, verdict_head())
        self.checkpoints: Checkpoints | None = None  # where there is a log to go back to
        self.catching_up = False  # far behind the log: rules alone, until nearly there
        self.load, self.shedding = Load(), Shedding()
        self.refused: list[Refused] = []  # by the last pass
        self._n_rows = 0
        self._stage = metrics.stage

    # ------------------------------------------------------------------------------------------------- the way through

    def process(self, messages: Sequence[Message]) -> list[Outgoing]:
        """Everything that ``messages`` complete, in order; bad ones are counted, said and left behind."""
        out: list[Outgoing] = []
        self.refused = []
        for part in in_parts(messages):
            with self._stage("decode"):
                plain = read(part)
            with self._stage("intake"):
                for message, wanted in take_in(self.intake, part, plain, self._is_wanted):
                    self._take_one(message, wanted, out)
        self._tick(out)
        out += self.tell_verdicts()
        self.metrics.count_intake(self.intake.accepted, self.intake.counts)
        return out

    def _decode(self, message: Message) -> Chunk | None:
        try:
            with self._stage("decode"):
                return decode_chunk(message.payload, message.content_type)
        except WireError as error:
            self._refuse(message, error.reason, str(error))
            if self.checkpoints and message.position:
                self.checkpoints.passed(message.position)
            return None

    def _is_wanted(self, stream_id: str, message: Message) -> bool:
        if self.checkpoints is None or message.position is None:
            return True
        return self.checkpoints.before(stream_id, message.position)

    def _take_one(self, message: Message, wanted: bool, out: list[Outgoing]) -> None:
        chunk = self._decode(message)
        if chunk is not None and (wanted or self._is_wanted(chunk.stream_id, message)):
            self._accept(chunk, message, out)

    def _accept(self, chunk: Chunk, message: Message, out: list[Outgoing]) -> None:
        try:
            if not self.intake.accept(chunk, message.arrived_ns, message.came_ns):
                self._tick(out)  # the arena is full of hops nobody has taken yet
                self.intake.accept(chunk, message.arrived_ns, message.came_ns)
            row = self.admit(chunk.stream_id)
            for alarm in chunk.monitor_alarms:
                self.raise_alarm(row, alarm)
            if row in self.verdicts.waiting:  # at once, while the arena holds what came before the alarm
                out += self.tell_verdicts()
        except IntakeError as error:
            self._refuse(message, error.reason, str(error), chunk.stream_id)
            if self.checkpoints and chunk.stream_id not in self.intake.row_of:
                self.checkpoints.forget([chunk.stream_id])

    def _refuse(self, message: Message, reason: str, sentence: str, stream_id: str = "") -> None:
        self.refused.append(Refused(message, reason, sentence, stream_id))
        self.metrics.messages.labels("refused").inc()
        self.metrics.refused.labels(reason).inc()
        log.warning("message refused", reason=reason, text=sentence, stream_id=stream_id)

    def _tick(self, out: list[Outgoing]) -> None:
        while True:
            with self._stage("intake"):
                blocks = self.intake.take(MAX_HOPS)
            for block in blocks:
                self._step(block, out)
            if not blocks and not (self.checkpoints and self.checkpoints.end_rebuilds()):
                return

    def _step(self, block: RawBlock, out: list[Outgoing]) -> None:
        seen = self.observe(block)
        without = self._without_encoder(seen.conditioned)
        with self._stage("diagnosis"):
            scores = self.models.step(seen.conditioned, without)
        with self._stage("heads"):
            stated = self.models.heads.step(seen.conditioned, scores)
        with self._stage("shadow"):
            shadow = self.models.step_shadow(seen.conditioned, seen.rhythm, scores, without)
        step = self.conclude(seen, scores)
        if self.observer:
            self.observer(step)
        with self._stage("outputs"):
            now_ns = self.clock.now_ns()
            out += self._tell_new(step.updates, now_ns)
            speaks = ~self.intake.is_held(block.rows)  # what a bed says while it is rebuilt has been said
            about = seen.conditioned, seen.rhythm, stated, seen.strips, step.evidence
            out += self.outputs.periodic(*about, speaks, now_ns)
            out += self.outputs.shadow(seen.conditioned, shadow, speaks, now_ns) if shadow else []
        self.metrics.count_step(seen.rhythm, scores)

    def _without_encoder(self, block: Conditioned) -> np.ndarray:
        """Why rows of the block go without the encoder, uint8 (R,): OK for those that have it."""
        without = np.where(self.shedding.shed[block.rows], Reason.OVERLOAD, Reason.OK).astype(np.uint8)
        if self.catching_up:
            without[:] = Reason.CATCHING_UP
        self.load.count(without == Reason.OK, block.n_hops)
        return without

    def observe(self, block: RawBlock) -> Observed:
        """Every room that needs no encoder."""
        with self._stage("conditioning"):
            conditioned = self.conditioner.step(block)
        with self._stage("rhythm"):
            self._set_limits(block.rows)
            rhythm = self.rhythm.step(conditioned, pulses_beside(self.intake, conditioned))
        with self._stage("strips"):
            strips = self.strips.step(conditioned, rhythm.beats)
        with self._stage("beats"):
            beats = self._count_ectopics(conditioned, rhythm, strips)
            swap = self.electrodes.step(conditioned, rhythm.beats)
        return Observed(conditioned, rhythm, beats, swap, strips)

    def conclude(self, seen: Observed, scores: Scores) -> Step:
        """What is observed and what the encoder says become alarms; blocks must come in the order of ``observe``."""
        with self._stage("alarms"):
            conditioned, rhythm = seen.conditioned, seen.rhythm
            evidence, onset, from_model = self._evidence(seen, scores)
            judged = rhythm.reason == Reason.OK
            about = about_alerts(rhythm.standstill, rhythm.pulse_beside, seen.swap)
            hops = conditioned.rows, conditioned.first_hop, judged, evidence, onset, from_model
            updates = self.alarms.step(*hops, self.clock.now_ns(), about, measured_rates(rhythm, evidence))
        return Step(conditioned, rhythm, seen.beats, seen.swap, seen.strips, scores, evidence, updates)

    # ------------------------------------------------------------------------------------------------ parts of the way

    def _count_ectopics(self, conditioned: Conditioned, rhythm: RhythmResult, strips: StripScores) -> ClassifiedBeats:
        """The beat head's classes make a better PVC rate than the rules' own, wherever there is one."""
        beats = self.beat_classes.step(rhythm.beats, conditioned, strips.fibrillates)
        pvc_per_min = self.pvc_rate.step(conditioned, beats)
        stated = np.isfinite(rhythm.pvc_per_min) & np.isfinite(pvc_per_min)
        rhythm.pvc_per_min[stated] = pvc_per_min[stated]
        return beats

    def _set_limits(self, rows: np.ndarray) -> None:
        """Rules judge by the limits people gave the beds, which the alarm room keeps."""
        self.rhythm.limits[rows] = self.alarms.limits[rows]

    def _evidence(self, seen: Observed, scores: Scores) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rules, what models add, PVCs above the limit, and the technical conditions the signal itself shows."""
        conditioned, rhythm, strips = seen.conditioned, seen.rhythm, seen.strips
        evidence, onset, from_model = self.models.served.fuse(conditioned, rhythm, scores)
        self.wave_rhythms.step(conditioned, rhythm).add_to(evidence, onset, from_model)
        fibrillation = Condition.ATRIAL_FIBRILLATION
        evidence[:, :, fibrillation] = from_model[:, :, fibrillation] = strips.fibrillates
        onset[:, :, fibrillation] = strips.onset
        rows, missing = conditioned.rows, self.settings.diagnosis.enabled and not self.models.served.encoder.available
        most_pvc = self.alarms.limits["pvc_per_min"][rows]
        add_technical(evidence, onset, conditioned, rhythm, seen.swap, self.intake.clock_wrong[rows], missing, most_pvc)
        return evidence, onset, from_model

    def tell(self, updates: Iterable[AlarmUpdate]) -> list[Outgoing]:
        """Alarm updates as messages; counted but for repeats, and those that only bring the rest of a strip."""
        now_ns = self.clock.now_ns()
        for update in updates:
            if not update.escalation and not (update.update and update.strip):
                self.metrics.alerts.labels(update.condition.name.lower(), update.state).inc()
        return [self.outputs.alert(update, now_ns) for update in updates]

    def _tell_new(self, updates: list[AlarmUpdate], now_ns: int) -> list[Outgoing]:
        """What a step decided, as messages."""
        for update in updates:
            waited_ns = now_ns - int(self.intake.last_arrival_ns[update.row])
            self.metrics.latency.labels("alert").observe(waited_ns / 1e9)
        over = self.alarms.alarms["over"]
        return [self.outputs.with_onset(u, t, over[u.row]) for u, t in zip(updates, self.tell(updates), strict=True)]

    def raise_alarm(self, row: int, alarm: MonitorAlarm) -> str:
        """Take in an alarm of the bed's monitor; empty, or why there will be no verdict on it."""
        refusal = self.verdicts.offer(row, alarm, self.clock.now_ns())
        if refusal:
            self.metrics.alarms_ignored.inc()
            log.warning("monitor's alarm ignored", stream_id=self.intake.stream_id(row), text=refusal)
        return refusal

    def tell_verdicts(self) -> list[Outgoing]:
        """Second opinions that need wait no longer, as messages, counted."""
        if not self.verdicts.waiting:
            return []
        with self._stage("verdicts"):
            verdicts = self.verdicts.judge(self.clock.now_ns())
            now_ns = self.clock.now_ns()
            for verdict in verdicts:
                self.metrics.verdicts.labels(verdict.alarm.name, verdict.judged.opinion.name.lower()).inc()
                waited_ns = now_ns - int(self.intake.last_arrival_ns[verdict.row])
                self.metrics.latency.labels("verdict").observe(waited_ns / 1e9)
            return [self.outputs.verdict(verdict, now_ns) for verdict in verdicts]

    # ------------------------------------------------------------------------------------------------------------ rows

    def admit(self, stream_id: str) -> int:
        """The stream's row, made room for in every room."""
        row = self.intake.row_of[stream_id]
        if row >= self._n_rows:
            self._grow((row // ROWS_AHEAD + 1) * ROWS_AHEAD)
        if self.alarms.stream_ids[row] != stream_id:
            self.forget([row])
            self.alarms.admit(row, stream_id)
        return row

    def forget(self, rows: list[int]) -> None:
        """Let go of everything known of rows whose stream has gone."""
        for room in self._rooms():
            room.reset(np.array(rows, np.int64))

    def forget_patient(self, stream_id: str) -> int:
        """The bed's signal begins anew, with nothing learnt of the last patient; its alarms stay. The bed's row."""
        if self.checkpoints:
            self.checkpoints.patient_changed(stream_id)
        row = self.intake.row_of[stream_id]
        self.intake.break_off(row)
        for room in self._rooms():
            if room is not self.alarms:
                room.reset(np.array([row], np.int64))
        return row

    def _grow(self, n_rows: int) -> None:
        for room in self._rooms():
            room.grow(n_rows)
        self._n_rows = n_rows

    def _rooms(self) -> list[Room]:
        rooms: list[Room] = [self.conditioner, self.rhythm, self.strips, self.beat_classes, self.pvc_rate]
        rooms += [self.alarms, self.verdicts, self.wave_rhythms, self.electrodes, self.shedding]
        return rooms + self.models.rooms

    @property
    def n_rows(self) -> int:
        """For how many rows there is room in every room."""
        return self._n_rows

    def warm_up(self) -> None:
        """Compile and specialise everything a first message would otherwise wait for."""
        self.models.served.encoder.warm_up()
        scratch, now_ns = Pipeline(self.settings, None, Metrics(), self.clock), self.clock.now_ns()
        for chunk in warming_chunks(now_ns):
            content_type, payload = encode(encode_chunk(chunk))
            scratch.process([Message(payload, content_type, now_ns)])
        for row in list(scratch.intake.row_of.values()):
            scratch.intake.forget(row)
