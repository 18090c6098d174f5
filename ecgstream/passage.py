"""The way of a block through the rooms: what it shows, what the encoder adds, what alarms make of it. No messages."""

from __future__ import annotations

import numpy as np

from .alarms.about import about_alerts
from .alarms.lifecycle import Alarms
from .alarms.measured import measured_rates
from .alarms.technical import add_technical
from .clock import Clock
from .conditioning import Conditioner
from .conditioning.recent import Recent
from .diagnosis import BeatClasses, ClassifiedBeats, Model, PvcRate, shipped_beat_head
from .diagnosis.strips import StripRhythms, StripScores, shipped_rhythm_head
from .diagnosis.waves import WaveRhythms, shipped_fibrillation_head
from .electrodes import Electrodes
from .intake import Intake
from .metrics import Metrics
from .model_roles import ModelRoles
from .neighbours import pulses_beside
from .observed import Observed, Step
from .rhythm import Rhythm
from .room import Room
from .settings import Settings
from .shedding import Load, Shedding
from .verdicts import Verdicts
from .verdicts import shipped_head as verdict_head
from .waveform import Condition, Conditioned, RawBlock, Reason, RhythmResult, Scores

ROWS_AHEAD, SHARE_AHEAD = 16, 1 / 16
"""Rows that rooms are made ready for together: so many, or such a share of those they have, as some rooms move all."""


class Passage:
    """Every room and its rows. One owner: calls must not overlap."""

    def __init__(self, settings: Settings, model: Model | None, metrics: Metrics, clock: Clock):
        self.settings, self.metrics, self.clock = settings, metrics, clock
        self.intake = Intake(settings.intake)
        self.conditioner = Conditioner(settings.conditioning.mains_hz)
        self.recent = Recent()
        self.rhythm = Rhythm(recent=self.recent)
        told = settings.alarms.model_dump(include={"preset", "disabled", "always_on", "escalate_s"})
        self.alarms = Alarms(0, **told, limits=settings.alarms.limits)
        self.models = ModelRoles(model, settings.diagnosis, metrics, self.intake.stream_id)
        self.strips = StripRhythms(shipped_rhythm_head())
        self.beat_classes, self.pvc_rate = BeatClasses(0, shipped_beat_head(), self.recent), PvcRate(0)
        self.electrodes = Electrodes()
        self.wave_rhythms = WaveRhythms(shipped_fibrillation_head())
        self.verdicts = Verdicts(self.intake, settings.conditioning.mains_hz, verdict_head())
        self.load, self.shedding = Load(), Shedding()
        self._n_rows = 0
        self._stage = metrics.stage

    def observe(self, block: RawBlock, rules_alone: bool = False) -> Observed:
        """Every room that needs no encoder; where ``rules_alone``, heads that feed no lethal alarm are left out."""
        with self._stage("conditioning"):
            conditioned = self.conditioner.step(block)
        with self._stage("rhythm"):
            self._set_limits(block.rows)
            self.recent.begin(conditioned)
            rhythm = self.rhythm.step(conditioned, pulses_beside(self.intake, conditioned))
        with self._stage("strips"):
            strips = self.strips.leave_out(conditioned) if rules_alone else self.strips.step(conditioned, rhythm.beats)
        with self._stage("beats"):
            if rules_alone:
                beats = self._leave_beats_out(conditioned)
            else:
                beats = self._count_ectopics(conditioned, rhythm, strips)
        with self._stage("electrodes"):
            swap = self.electrodes.step(conditioned, rhythm.beats)
            self.recent.keep(conditioned)
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

    def _count_ectopics(self, conditioned: Conditioned, rhythm: RhythmResult, strips: StripScores) -> ClassifiedBeats:
        """The beat head's classes make a better PVC rate than the rules' own, wherever there is one."""
        beats = self.beat_classes.step(rhythm.beats, conditioned, strips.fibrillates)
        pvc_per_min = self.pvc_rate.step(conditioned, beats)
        stated = np.isfinite(rhythm.pvc_per_min) & np.isfinite(pvc_per_min)
        rhythm.pvc_per_min[stated] = pvc_per_min[stated]
        return beats

    def _leave_beats_out(self, conditioned: Conditioned) -> ClassifiedBeats:
        """The rules' own PVC rate stands."""
        self.pvc_rate.leave_out(conditioned)
        return self.beat_classes.leave_out(conditioned)

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
        rows, missing = conditioned.rows, self.settings.diagnosis.enabled and not scores.names
        most_pvc = self.alarms.limits["pvc_per_min"][rows]
        add_technical(evidence, onset, conditioned, rhythm, seen.swap, self.intake.clock_wrong[rows], missing, most_pvc)
        return evidence, onset, from_model

    # ------------------------------------------------------------------------------------------------------------ rows

    def admit(self, stream_id: str) -> int:
        """The stream's row, made room for in every room."""
        row = self.intake.row_of[stream_id]
        if row >= self._n_rows:
            wanted = max(row, round((1 + SHARE_AHEAD) * self._n_rows))
            self._grow((wanted // ROWS_AHEAD + 1) * ROWS_AHEAD)
        if (before := self.alarms.stream_ids[row]) != stream_id:
            if before:  # else nothing is known of the row
                self.forget([row])
            self.alarms.admit(row, stream_id)
        return row

    def forget(self, rows: list[int]) -> None:
        """Let go of everything known of rows whose stream has gone."""
        for room in self._rooms():
            room.reset(np.array(rows, np.int64))

    def _grow(self, n_rows: int) -> None:
        for room in self._rooms():
            room.grow(n_rows)
        self._n_rows = n_rows

    def _rooms(self) -> list[Room]:
        rooms: list[Room] = [self.conditioner, self.recent, self.rhythm, self.strips, self.beat_classes, self.pvc_rate]
        rooms += [self.alarms, self.verdicts, self.wave_rhythms, self.electrodes, self.shedding]
        return rooms + self.models.rooms

    @property
    def n_rows(self) -> int:
        """For how many rows there is room in every room."""
        return self._n_rows
